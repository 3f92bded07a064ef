// expected: timeout, out_of_memory, exited 1, exited 4
char large[2000000000] = {1};
int main() { return large[1]; }
