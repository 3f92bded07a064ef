int without() { return 0; }
