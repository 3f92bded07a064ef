// error: no matching
// constraint: Large
template <class T>
concept Small = sizeof(T) == 1;
template <class T>
concept Large = sizeof(T) > 100;
template <Small T>
void take(T) {}
void call() { take(3); }
