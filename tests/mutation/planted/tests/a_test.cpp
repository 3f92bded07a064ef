// A test file that exists; nothing reads it.
