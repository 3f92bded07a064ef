int once() { return 1; }
int twice() { return 2; }
int again() { return 2; }
