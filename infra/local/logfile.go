package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// mostLogs is how many runs of one project can have a log at the same time.
const mostLogs = 99

// logFile is where a run's log lines go. It is the run's own until Close.
type logFile struct {
	*os.File
	lock *flock.Flock
}

// openLog gives run.log in folder, empty; what the run before left there becomes
// run.log.1. While another run has that file, run-2.log is given, and so on: the system
// lets go of a run's lock when the run has ended, however it ended.
func openLog(folder string) (*logFile, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	for n := 1; n <= mostLogs; n++ {
		name := filepath.Join(folder, "run.log")
		if n > 1 {
			name = filepath.Join(folder, fmt.Sprintf("run-%d.log", n))
		}
		// Not the log itself: the next run renames that.
		lock := flock.New(name + ".lock")
		mine, err := lock.TryLock()
		if err != nil {
			return nil, fmt.Errorf("log file: %w", err)
		}
		if !mine {
			continue
		}
		if err := os.Rename(name, name+".1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			lock.Close()
			return nil, fmt.Errorf("log file: %w", err)
		}
		f, err := os.Create(name)
		if err != nil {
			lock.Close()
			return nil, fmt.Errorf("log file: %w", err)
		}
		return &logFile{f, lock}, nil
	}
	return nil, fmt.Errorf("log file: %d runs have one in %s already", mostLogs, folder)
}

// Close gives the file free for the next run.
func (l *logFile) Close() error {
	return errors.Join(l.File.Close(), l.lock.Close())
}
