package matrix

import (
	"fmt"
	"math"
	"strings"
)

// Matrix holds its elements row by row.
type Matrix struct {
	Rows, Columns int
	data          []float64
}

func New(rows, columns int) *Matrix {
	return &Matrix{Rows: rows, Columns: columns, data: make([]float64, rows*columns)}
}

func Identity(size int) *Matrix {
	m := New(size, size)
	for i := 0; i < size; i++ {
		m.Set(i, i, 1)
	}
	return m
}

func (m *Matrix) At(row, column int) float64         { return m.data[row*m.Columns+column] }
func (m *Matrix) Set(row, column int, value float64) { m.data[row*m.Columns+column] = value }

// Mul returns the product of m and other.
func (m *Matrix) Mul(other *Matrix) (*Matrix, error) {
	if m.Columns != other.Rows {
		return nil, fmt.Errorf("matrix: cannot multiply %dx%d by %dx%d",
			m.Rows, m.Columns, other.Rows, other.Columns)
	}
	product := New(m.Rows, other.Columns)
	for i := 0; i < m.Rows; i++ {
		for k := 0; k < m.Columns; k++ {
			factor := m.At(i, k)
			for j := 0; j < other.Columns; j++ {
				product.data[i*product.Columns+j] += factor * other.At(k, j)
			}
		}
	}
	return product, nil
}

// Norm is the square root of the sum of all squares.
func (m *Matrix) Norm() float64 {
	sum := 0.0
	for _, value := range m.data {
		sum += value * value
	}
	return math.Sqrt(sum)
}

func (m *Matrix) String() string {
	var text strings.Builder
	for i := 0; i < m.Rows; i++ {
		for j := 0; j < m.Columns; j++ {
			fmt.Fprintf(&text, "%8.3f", m.At(i, j))
		}
		text.WriteByte('\n')
	}
	return text.String()
}
