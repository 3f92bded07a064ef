// expected: timeout, out_of_memory, exited 1
static BYTES: &[u8] = include_bytes!("/dev/zero");
fn main() {
    println!("{}", BYTES.len());
}
