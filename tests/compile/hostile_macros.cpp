// Macros of widely used headers, defined before the library's headers. The headers of the system, the standard library,
// Eigen and nlohmann-json, which these macros would break, are included before them.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <Eigen/Core>
#include <Eigen/SVD>
#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <complex>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <charconv>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <numbers>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#ifdef __SSE2__
#include <immintrin.h>
#endif
#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#endif

// complex.h
#define I (__extension__ 1.0iF)
#define complex _Complex
#define imaginary _Imaginary

// windows.h and what it includes
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define near
#define far
#define small char
#define hyper long
#define interface struct
#define cdecl
#define pascal
#define IN
#define OUT
#define OPTIONAL
#define CONST const
#define VOID void
#define THIS void
#define ERROR 0
#define NO_ERROR 0
#define DELETE 0x00010000L
#define TRUE 1
#define FALSE 0
#define STRICT 1
#define TRANSPARENT 1
#define OPAQUE 2
#define ABSOLUTE 1
#define RELATIVE 2
#define IGNORE 0
#define INFINITE 0xFFFFFFFF
#define DIFFERENCE 11
#define Yield()
#define GetObject GetObjectA
#define LoadImage LoadImageA
#define GetMessage GetMessageA

// math.h of older systems
#define DOMAIN 1
#define SING 2
#define OVERFLOW 3
#define UNDERFLOW 4

// X.h and Xlib.h
#define None 0L
#define Bool int
#define Status int
#define True 1
#define False 0
#define Success 0
#define Always 2
#define Never 0
#define Above 0
#define Below 1
#define Complex 0
#define Nonconvex 1
#define Convex 2
#define Unsorted 0
#define Expose 12
#define KeyPress 2
#define KeyRelease 3
#define FocusIn 9
#define FocusOut 10
#define Button1 1
#define CurrentTime 0L
#define ParentRelative 1L
#define CursorShape 0
#define GrayScale 1
#define StaticColor 2
#define DirectColor 5
#define InputOnly 2
#define WhenMapped 1
#define Opposite 4
#define ControlMask (1 << 2)
#define BadValue 2
#define RootWindow(display, screen) 0
#define DefaultDepth(display, screen) 0

// Qt's keywords
#define signals public
#define slots
#define emit
#define foreach(variable, container) for (variable : container)
#define forever for (;;)

// termios.h and sys/ioctl.h
#define B0 0000000
#define B50 0000001
#define B75 0000002
#define B110 0000003
#define B1200 0000011
#define B9600 0000015
#define ECHO 0000010
#define NL0 0000000
#define NL1 0000400
#define CR0 0000000
#define CR1 0001000
#define CR2 0002000
#define CR3 0003000
#define TAB0 0000000
#define TAB3 0014000
#define BS0 0000000
#define VT0 0000000
#define FF0 0000000

// sys/sysmacros.h, sys/param.h and ctype.h of several systems
#define major(device) ((device) >> 8)
#define minor(device) ((device)&0xff)
#define makedev(high, low) ((high) << 8 | (low))
#define howmany(x, y) (((x) + (y)-1) / (y))
#define roundup(x, y) ((((x) + (y)-1) / (y)) * (y))
#define powerof2(x) ((((x)-1) & (x)) == 0)
#define setbit(a, i) ((a)[(i) / 8] |= 1 << ((i) % 8))
#define isset(a, i) ((a)[(i) / 8] & 1 << ((i) % 8))
#define MIN(a, b) (((a) < (b)) ? (a) : (b))
#define MAX(a, b) (((a) > (b)) ? (a) : (b))
#define _U 01
#define _L 02
#define _N 04
#define _S 010
#define _P 020
#define _C 040
#define _X 0100
#define _B 0200

// the compilers' own, in GNU dialects
#define linux 1
#define unix 1

#include "everything.hpp"
