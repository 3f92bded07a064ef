// expected: timeout, out_of_memory, exited 1
#include "/dev/zero"
int main() {}
