// Package bulk erases the customers and numbers that a file names, through the API as any
// caller does. Its result file has an outcome for each row and is its journal: whatever
// ends a run, the same call goes on where it was. Memory is a few bytes for each row.
package bulk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"

	"customercare/infra/importer"
	"customercare/shared/identifier"
)

// The kinds of data subjects that a row may name.
const (
	Customer = "customer" // of operation 3
	Number   = "number"   // of operation 4
)

// Row is one data subject of a file, or a line that names none.
type Row struct {
	Line  int   // from 1
	At    int64 // where the line begins, in bytes
	Kind  string
	Scope string // account or tenant
	ID    string // code or number
	Fault string // a sentence without any value, when the line names nobody

	again bool // see entry.Again
}

// maxLine is how long a line may be in bytes.
const maxLine = 64 << 10

var byteOrderMark = []byte("\uFEFF")

// layout is how the lines of a file are read.
type layout struct{ columns []string } // of CSV; nil: each line is a JSON object

// fields are the columns of CSV and the members of JSON.
type fields struct {
	Account string `json:"account"`
	Code    string `json:"code"`
	Tenant  string `json:"tenant"`
	Number  string `json:"number"`
}

// scan calls each with the rows of a file in their order. The error of a file that has no
// rows is a sentence. read is told of the bytes that are read. Lines that are blank are
// no rows. Lines are those of the file, the first one of CSV included.
func scan(ctx context.Context, r io.Reader, read func(bytes int), each func(Row) error) (l layout, lines int, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	if err := importer.Recognize(in); err != nil {
		return l, 0, err
	}
	at, known := int64(0), false
	for {
		if ctx.Err() != nil {
			return l, lines, context.Cause(ctx)
		}
		line, taken, tooLong, err := next(in)
		switch {
		case taken == 0 && errors.Is(err, io.EOF) && !known:
			return l, lines, errors.New("the file is empty")
		case taken == 0 && errors.Is(err, io.EOF):
			return l, lines, nil
		case err != nil && !errors.Is(err, io.EOF):
			return l, lines, errors.New("the file cannot be read")
		}
		lines++
		row := Row{Line: lines, At: at}
		at += int64(taken)
		read(taken)
		line = content(line, row.At)
		switch {
		case tooLong:
			row.Fault = fmt.Sprintf("the line is longer than %d bytes", maxLine)
		case len(bytes.TrimSpace(line)) == 0:
			continue
		case !known && line[0] != '{':
			if l.columns, err = columns(line); err != nil {
				return l, lines, err
			}
			known = true
			continue
		default:
			l.parse(line, &row)
		}
		known = true
		if err := each(row); err != nil {
			return l, lines, err
		}
	}
}

// next reads a line, and passes over the rest of one that is too long. The line is valid
// until the next call.
func next(in *bufio.Reader) (line []byte, taken int, tooLong bool, err error) {
	line, err = in.ReadSlice('\n')
	taken = len(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = true
		var more []byte
		more, err = in.ReadSlice('\n')
		taken += len(more)
	}
	return line, taken, tooLong, err
}

// content is a line without its end and without the mark at the start of a file.
func content(line []byte, at int64) []byte {
	if at == 0 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	return bytes.TrimRight(line, "\r\n")
}

// known are the columns that CSV may have.
var known = []string{"account", "code", "tenant", "number"}

// columns reads the first line of CSV. It may be somebody's data, so it is not quoted.
func columns(line []byte) ([]string, error) {
	names, err := csv.NewReader(bytes.NewReader(line)).Read()
	if err != nil {
		return nil, errors.New("the first line is neither CSV nor a JSON object")
	}
	for i, name := range names {
		if !slices.Contains(known, name) || slices.Contains(names[:i], name) {
			return nil, fmt.Errorf("column %d is none of account, code, tenant, number, or is there twice:"+
				" the first line names the columns, with commas between them", i+1)
		}
	}
	customers := slices.Contains(names, "account") && slices.Contains(names, "code")
	numbers := slices.Contains(names, "tenant") && slices.Contains(names, "number")
	if !customers && !numbers {
		return nil, errors.New("the columns account and code, or tenant and number, are missing")
	}
	return names, nil
}

// parse reads a line into row.
func (l layout) parse(line []byte, row *Row) {
	var f fields
	if l.columns == nil {
		if json.Unmarshal(line, &f, json.RejectUnknownMembers(true)) != nil {
			row.Fault = "the line is no JSON object of account and code, or of tenant and number, in UTF-8"
			return
		}
	} else {
		reader := csv.NewReader(bytes.NewReader(line))
		reader.FieldsPerRecord = len(l.columns)
		values, err := reader.Read()
		switch {
		case errors.Is(err, csv.ErrFieldCount):
			row.Fault = fmt.Sprintf("the line has not %d fields", len(l.columns))
			return
		case err != nil:
			row.Fault = "the line is no CSV: a quote stands in the wrong place"
			return
		}
		for i, into := range []*string{&f.Account, &f.Code, &f.Tenant, &f.Number} {
			if at := slices.Index(l.columns, known[i]); at >= 0 {
				*into = values[at]
			}
		}
	}
	switch {
	case f.Account != "" && f.Code != "" && f.Tenant+f.Number == "":
		row.Kind, row.Scope, row.ID = Customer, f.Account, f.Code
	case f.Tenant != "" && f.Number != "" && f.Account+f.Code == "":
		row.Kind, row.Scope, row.ID = Number, f.Tenant, f.Number
	default:
		row.Fault = "the line must have account and code, or tenant and number"
	}
	for _, text := range []string{row.Scope, row.ID} {
		if len(text) > identifier.MaxShort || !identifier.Sayable(text) {
			row.Fault = fmt.Sprintf("each identifier must have 1 to %d bytes of valid text", identifier.MaxShort)
		}
	}
}

// row reads the row that begins at a place of the file again.
func (l layout) row(file io.ReaderAt, at int64) (Row, error) {
	line, taken, _, err := next(bufio.NewReaderSize(io.NewSectionReader(file, at, maxLine), 1<<10))
	if taken == 0 {
		return Row{}, fmt.Errorf("the file cannot be read again: %w", err)
	}
	row := Row{At: at}
	l.parse(content(slices.Clone(line), at), &row)
	if row.Fault != "" {
		return row, errors.New("the file was changed while it was worked on")
	}
	return row, nil
}
