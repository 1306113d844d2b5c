package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is how long a line may be in bytes, its end not counted.
const maxLine = 1 << 20

var errTooLong = errors.New("the line is longer than 1 MB")

// lines reads a file line by line, whatever their ends: LF, CR LF, or the file's own.
type lines struct {
	r      *bufio.Reader
	number int // of the line that next returned, from 1
	taken  int // bytes that it takes in the file
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, maxLine+2)} }

var byteOrderMark = []byte("\uFEFF")

// next gives the next line without white space around it, valid until the next call. The
// error is errTooLong for a line that was passed over, io.EOF at the end, or the
// reader's.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	l.taken = len(line)
	tooLong := errors.Is(err, bufio.ErrBufferFull)
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = l.r.ReadSlice('\n')
		l.taken += len(more)
	}
	if err != nil && (err != io.EOF || l.taken == 0) {
		return nil, err
	}
	l.number++
	if l.number == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	line = bytes.TrimRight(line, "\r\n")
	if tooLong || len(line) > maxLine {
		return nil, errTooLong
	}
	return bytes.Trim(line, " \t\r"), nil
}
