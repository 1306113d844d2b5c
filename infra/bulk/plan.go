package bulk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"io"
	"os"
	"slices"

	"customercare/shared/store"
)

// Plan is what a file asks for.
type Plan struct {
	Rows       int `json:"rows"`      // lines that are not blank, without the names of columns
	Customers  int `json:"customers"` // different ones
	Numbers    int `json:"numbers"`   // different ones
	Duplicates int `json:"duplicates"`
	Faulty     int `json:"faulty"` // rows that name nobody

	file   *os.File
	layout layout
	lines  int
	sum    string // of the file, SHA-256
	twice  []uint64
	seed   maphash.Seed
}

// Look reads a file whole. read is told of the bytes that are read, fault of each row
// that names nobody.
func Look(ctx context.Context, file *os.File, read func(bytes int), fault func(line int, sentence string)) (*Plan, error) {
	p := &Plan{file: file, seed: maphash.MakeSeed()}
	var hashes []uint64
	sum := sha256.New()
	var err error
	p.layout, p.lines, err = scan(ctx, io.TeeReader(file, sum), read, func(row Row) error {
		p.Rows++
		if row.Fault != "" {
			p.Faulty++
			fault(row.Line, row.Fault)
			return nil
		}
		hashes = append(hashes, p.hash(row))
		if row.Kind == Customer {
			p.Customers++
		} else {
			p.Numbers++
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.sum = hex.EncodeToString(sum.Sum(nil))
	slices.Sort(hashes)
	for i := 1; i < len(hashes); i++ {
		if hashes[i] == hashes[i-1] && (len(p.twice) == 0 || p.twice[len(p.twice)-1] != hashes[i]) {
			p.twice = append(p.twice, hashes[i])
		}
	}
	if len(p.twice) == 0 {
		return p, nil
	}
	return p, p.each(ctx, func(row Row, of int) error {
		if of > 0 {
			p.Duplicates++
			if row.Kind == Customer {
				p.Customers--
			} else {
				p.Numbers--
			}
		}
		return nil
	})
}

// Each calls do with every row of the file that names somebody, duplicates too.
func (p *Plan) Each(ctx context.Context, do func(Row) error) error {
	return p.each(ctx, func(row Row, _ int) error {
		if row.Fault != "" {
			return nil
		}
		return do(row)
	})
}

// each calls do with every row of the file, and with the line of the first row about the
// same data subject, 0 for the first itself. Rows that may be there twice are compared as
// they are: a hash alone would leave somebody out.
func (p *Plan) each(ctx context.Context, do func(row Row, of int) error) error {
	first := map[string]int{}
	_, _, err := scan(ctx, io.NewSectionReader(p.file, 0, 1<<62), func(int) {}, func(row Row) error {
		of := 0
		if row.Fault == "" {
			if _, may := slices.BinarySearch(p.twice, p.hash(row)); may {
				key := subjectKey(row)
				if of = first[key]; of == 0 {
					first[key] = row.Line
				}
			}
		}
		return do(row, of)
	})
	return err
}

func (p *Plan) hash(row Row) uint64 { return maphash.String(p.seed, subjectKey(row)) }

func subjectKey(row Row) string { return store.JoinKey(row.Kind, row.Scope, row.ID) }
