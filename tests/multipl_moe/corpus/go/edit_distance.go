package main

import (
	"bufio"
	"fmt"
	"os"
)

func smallest(first int, others ...int) int {
	for _, other := range others {
		if other < first {
			first = other
		}
	}
	return first
}

// distance counts the insertions, deletions and replacements between two texts.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(from); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(to); j++ {
			cost := diagonal
			if from[i-1] != to[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = smallest(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(to)]
}

// closest returns the word with the least distance to text.
func closest(text string, words []string) (string, int) {
	best, bestDistance := "", -1
	for _, word := range words {
		if d := distance(text, word); bestDistance < 0 || d < bestDistance {
			best, bestDistance = word, d
		}
	}
	return best, bestDistance
}

func main() {
	commands := []string{"prepare", "pretrain", "upcycle", "train", "eval", "generate"}
	scanner := bufio.NewScanner(os.Stdin)
	for scanner.Scan() {
		word, edits := closest(scanner.Text(), commands)
		if edits == 0 {
			fmt.Println("ok:", word)
		} else {
			fmt.Printf("did you mean %q? (%d edits)\n", word, edits)
		}
	}
}
