// error: the sentence that should come first
int planted() { return not_declared; }
static_assert(false, "the sentence that should come first");
