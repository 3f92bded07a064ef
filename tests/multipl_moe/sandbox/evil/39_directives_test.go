// expected: exited 1
//go:build cgo || !cgo
//go:generate touch /box/evil_was_here
package evil

// #cgo CFLAGS: -fplugin=/box/evil.so
// #cgo LDFLAGS: -Wl,--script=/etc/passwd
// #include </etc/passwd>
import "C"

import "testing"

//go:linkname exit os.runtime_beforeExit
func exit(code int)

func TestNothing(t *testing.T) { C.system(nil) }
