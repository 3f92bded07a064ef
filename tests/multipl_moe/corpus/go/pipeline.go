package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

// generate sends the numbers 1 to n until the context ends.
func generate(ctx context.Context, n int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for i := 1; i <= n; i++ {
			select {
			case out <- i:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

func square(ctx context.Context, in <-chan int) <-chan int {
	out := make(chan int)
	go func() {
		defer close(out)
		for value := range in {
			select {
			case out <- value * value:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// merge closes its output once every input is closed.
func merge(inputs ...<-chan int) <-chan int {
	out := make(chan int)
	var running sync.WaitGroup
	running.Add(len(inputs))
	for _, input := range inputs {
		go func(in <-chan int) {
			defer running.Done()
			for value := range in {
				out <- value
			}
		}(input)
	}
	go func() {
		running.Wait()
		close(out)
	}()
	return out
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	numbers := generate(ctx, 100)
	sum := 0
	for value := range merge(square(ctx, numbers), square(ctx, numbers), square(ctx, numbers)) {
		sum += value
	}
	if err := ctx.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "stopped early:", err)
		os.Exit(1)
	}
	fmt.Println("sum of squares:", sum)
}
