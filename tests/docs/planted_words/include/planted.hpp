/// Initialises the layer. A body of somebodies is none.
int initialise_all();
