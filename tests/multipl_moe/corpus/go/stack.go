// Package stack has a stack of any type and a checker of brackets that uses it.
package stack

import (
	"errors"
	"fmt"
)

// ErrEmpty is returned where there is nothing to take.
var ErrEmpty = errors.New("stack: empty")

// Stack grows as needed; its zero value is ready to use.
type Stack[T any] struct {
	items []T
}

func (s *Stack[T]) Push(item T) {
	s.items = append(s.items, item)
}

func (s *Stack[T]) Pop() (T, error) {
	var zero T
	if len(s.items) == 0 {
		return zero, ErrEmpty
	}
	last := len(s.items) - 1
	item := s.items[last]
	s.items[last] = zero
	s.items = s.items[:last]
	return item, nil
}

func (s *Stack[T]) Len() int { return len(s.items) }

var closing = map[rune]rune{'(': ')', '[': ']', '{': '}'}

// Balanced reports the first bracket of text that has no partner.
func Balanced(text string) error {
	var open Stack[rune]
	for position, symbol := range text {
		if want, ok := closing[symbol]; ok {
			open.Push(want)
			continue
		}
		switch symbol {
		case ')', ']', '}':
			want, err := open.Pop()
			if err != nil || want != symbol {
				return fmt.Errorf("unexpected %q at %d", symbol, position)
			}
		}
	}
	if open.Len() > 0 {
		return fmt.Errorf("%d brackets are never closed", open.Len())
	}
	return nil
}
