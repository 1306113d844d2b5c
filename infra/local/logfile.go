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
	err := os.MkdirAll(folder, 0o755)
	name := "run.log"
	for n := 2; err == nil && n <= mostLogs+1; n++ {
		var log *logFile
		if log, err = takeLog(filepath.Join(folder, name)); log != nil {
			return log, nil
		}
		name = fmt.Sprintf("run-%d.log", n)
	}
	if err == nil {
		err = fmt.Errorf("%d runs have one in %s already", mostLogs, folder)
	}
	return nil, fmt.Errorf("log file: %w", err)
}

// takeLog gives nil when another run has the log.
func takeLog(name string) (*logFile, error) {
	lock := flock.New(name + ".lock") // not the log itself: the next run renames that
	if mine, err := lock.TryLock(); err != nil || !mine {
		return nil, err
	}
	err := os.Rename(name, name+".1")
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		var f *os.File
		if f, err = os.Create(name); err == nil {
			return &logFile{f, lock}, nil
		}
	}
	lock.Close()
	return nil, err
}

// Close gives the file free for the next run.
func (l *logFile) Close() error {
	return errors.Join(l.File.Close(), l.lock.Close())
}
