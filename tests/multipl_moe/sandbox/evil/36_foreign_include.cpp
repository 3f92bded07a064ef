// expected: exited 1
#include "/etc/passwd"
#include "/etc/shadow"
#include SECRET
int main() {}
