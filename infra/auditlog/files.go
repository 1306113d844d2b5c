package auditlog

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// ErrNoFiles says that no run has left a log.
var ErrNoFiles = errors.New("there is no log of a run")

// isLog is the name of a log of `make run`, or of the one that the run before has left:
// run.log, run.log.1, run-2.log.
var isLog = regexp.MustCompile(`^run(-[0-9]+)?\.log(\.1)?$`)

// longestLine is more than any audit line has: one about a thousand numbers has 83 KB.
// One that is longer is passed over.
const longestLine = 1 << 20

// Files asks the logs in the folder into which `make run` writes them. It reads line by
// line, so that a log may be of any size. ErrNoFiles; other errors are sentences.
func Files(ctx context.Context, folder string, q Question) (Answer, error) {
	var answer Answer
	names, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return answer, errors.New("the folder " + folder + " cannot be read")
	}
	var done []os.FileInfo
	lines := bufio.NewReaderSize(nil, longestLine)
	for _, entry := range names {
		if !isLog.MatchString(entry.Name()) {
			continue
		}
		// A run that starts meanwhile renames a log that was read already.
		file, info, err := open(filepath.Join(folder, entry.Name()))
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return answer, errors.New("the log " + entry.Name() + " cannot be read")
		case slices.ContainsFunc(done, func(other os.FileInfo) bool { return os.SameFile(info, other) }):
			_ = file.Close()
			continue
		}
		done = append(done, info)
		lines.Reset(file)
		err = answer.readAll(ctx, q, lines)
		_ = file.Close()
		if ctx.Err() != nil {
			return answer, context.Cause(ctx)
		}
		if err != nil {
			return answer, errors.New("the log " + entry.Name() + " cannot be read to its end")
		}
	}
	if len(done) == 0 {
		return answer, ErrNoFiles
	}
	answer.close()
	return answer, nil
}

func open(name string) (*os.File, os.FileInfo, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
	}
	return file, info, err
}

// readAll reads all lines of a file, until it ends or ctx does.
func (a *Answer) readAll(ctx context.Context, q Question, lines *bufio.Reader) error {
	for skip := false; ctx.Err() == nil; {
		text, err := lines.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		if !skip && !tooLong {
			a.read(q, text)
		}
		skip = tooLong // until the line has ended
		if err != nil && !tooLong {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		}
	}
	return nil
}
