// expected: timeout, out_of_memory, exited 1
macro_rules! twice {
    ($($x:tt)*) => { twice!($($x)* $($x)*) };
}
fn main() {
    twice!(a b c d);
}
