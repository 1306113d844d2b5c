package bulk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofrs/flock"
)

// The outcomes of rows. Accepted is that of an erasure that is sure to end: it stays
// until somebody waits for the end.
const (
	Accepted  = "accepted"
	Erased    = "erased"
	NotFound  = "not_found"
	Held      = "held"
	Refused   = "refused"
	Duplicate = "duplicate"
)

// outcomes are the states of a row from stateAsked + 1 on.
var outcomes = []string{Accepted, Erased, NotFound, Held, Refused, Duplicate}

const (
	stateNew = iota
	stateAsked
	stateAccepted
)

// state is the state of a row with this outcome; 0 for none of them.
func state(outcome string) byte {
	for i, name := range outcomes {
		if name == outcome {
			return byte(stateAsked + 1 + i)
		}
	}
	return stateNew
}

// entry is one line of the result file. That of a row stands twice: before the API is
// asked, and with the outcome. The last one counts. It has no identifier: the line's
// number leads to it.
type entry struct {
	Line    int    `json:"line,omitzero"`
	At      int64  `json:"at,omitzero"` // where the line begins
	Asked   bool   `json:"asked,omitzero"`
	Outcome string `json:"outcome,omitempty"`
	Of      int    `json:"of,omitzero"` // of a duplicate: the line of the first
	Erasure string `json:"erasure,omitempty"`
	Why     string `json:"why,omitempty"`
	// Again says that a run before had asked for the row and died before the answer. A
	// number that it has erased since is not found any more.
	Again bool `json:"again,omitzero"`
	Run   *run `json:"run,omitempty"` // of a line that begins a run, all else is empty
}

// run is what a result file says of a run.
type run struct {
	File       string    `json:"file"` // SHA-256
	Rows       int       `json:"rows"`
	At         time.Time `json:"at"`
	User       string    `json:"user,omitempty"`
	App        string    `json:"app,omitempty"`
	ApprovedBy string    `json:"approvedBy,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Ticket     string    `json:"ticket,omitempty"`
}

// journal is an open result file.
type journal struct {
	lock *flock.Flock
	file *os.File

	mu     sync.Mutex
	states []byte // by line
}

// openJournal opens a result file, or begins it, and reads what earlier runs have left.
// One that another run has open, or that is of another file of rows, is refused.
func openJournal(ctx context.Context, name string, plan *Plan) (j *journal, err error) {
	j = &journal{lock: flock.New(name), states: make([]byte, plan.lines+1)}
	locked, err := j.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("the result file %s cannot be opened: %w", name, errors.Unwrap(err))
	}
	if !locked {
		return nil, fmt.Errorf("another run is at work on the result file %s", name)
	}
	defer func() {
		if err != nil {
			j.close()
		}
	}()
	if j.file, err = os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		return nil, fmt.Errorf("the result file %s cannot be opened: %w", name, errors.Unwrap(err))
	}
	whole, first := int64(0), true
	err = j.each(ctx, 1<<62, func(e entry, taken int) error {
		if first && (e.Run == nil || e.Run.File != plan.sum) {
			return fmt.Errorf("%s is the result of another file, or none: name another with --result", name)
		}
		first, whole = false, whole+int64(taken)
		return j.note(e)
	})
	if err == nil { // a line that a dying process has left unfinished is cut off
		err = j.file.Truncate(whole)
	}
	return j, err
}

// each calls do with the whole lines among the first bytes of the file.
func (j *journal) each(ctx context.Context, size int64, do func(e entry, taken int) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, size), maxLine)
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errors.New("the result file cannot be read")
		}
		var e entry
		if json.Unmarshal(line, &e) != nil {
			e = entry{} // no line of ours
		}
		if err := do(e, len(line)); err != nil {
			return err
		}
	}
}

// note takes an entry into the states.
func (j *journal) note(e entry) error {
	if e.Run != nil {
		return nil
	}
	if e.Line < 1 || e.Line >= len(j.states) {
		return errors.New("the result file has a line that is no row's: name another with --result")
	}
	if e.Asked {
		j.states[e.Line] = max(j.states[e.Line], stateAsked)
	} else {
		j.states[e.Line] = state(e.Outcome)
	}
	return nil
}

// write puts entries into the file, all in one call, so that a process that is killed
// leaves them there, or a line at the end that is not whole.
func (j *journal) write(entries ...entry) error {
	var text bytes.Buffer
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range entries {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		text.Write(line)
		text.WriteByte('\n')
		if err := j.note(e); err != nil {
			return err
		}
	}
	if _, err := j.file.Write(text.Bytes()); err != nil {
		return errors.New("the result file cannot be written: when it can, call the same again")
	}
	return nil
}

// asked writes down that the API is about to be asked for rows.
func (j *journal) asked(rows []Row) error {
	entries := make([]entry, len(rows))
	for i, row := range rows {
		entries[i] = entry{Line: row.Line, Asked: true}
	}
	return j.write(entries...)
}

// state is the state of a line.
func (j *journal) state(line int) byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.states[line]
}

func (j *journal) close() {
	if j.file != nil {
		_ = j.file.Close()
	}
	_ = j.lock.Close()
}
