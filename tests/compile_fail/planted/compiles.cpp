// error: this file has a mistake
int planted() { return 0; }
