package importer

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/lanrat/extsort"
)

// hash is half of the SHA-256 of a record's key. Two records that share one are as
// unlikely as two with one UUID.
type hash [16]byte

func hashOf(key string) hash {
	sum := sha256.Sum256([]byte(key))
	return hash(sum[:16])
}

func (h hash) number() uint64 { return binary.BigEndian.Uint64(h[:]) }

// sorted are records on the disk, in the order of their hashes, and of their lines within
// a hash. A record is cut into pieces of at most pieceBytes, because the sorting counts
// what it holds in memory by number: a piece is the hash, the line, the piece's number
// and a part of the text.
type sorted struct {
	in      chan []byte
	sorter  *extsort.GenericSorter[[]byte]
	out     <-chan []byte
	failed  <-chan error
	ctx     context.Context // of the sorting, which goes on in the background
	cancel  context.CancelFunc
	records int // lines

	first []byte // of the next record, which is read already
}

const (
	pieceBytes = 1 << 10
	pieceHead  = 16 + 8 + 4
	// piecesInMemory is how many pieces are sorted at a time. There are five times as
	// many in memory: those that are read, wait, are sorted twice, and are written.
	piecesInMemory = 32 << 10
)

// newSorted begins to sort, with its file in the folder dir.
func newSorted(ctx context.Context, dir string, pieces int) *sorted {
	s := &sorted{in: make(chan []byte, 1024)}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	same := func(piece []byte) ([]byte, error) { return piece, nil }
	s.sorter, s.out, s.failed = extsort.Generic(s.in, same, same, bytes.Compare, &extsort.Config{
		ChunkSize: cmp.Or(pieces, piecesInMemory), NumWorkers: 2, ChanBuffSize: 1, SortedChanBuffSize: 1024,
		TempFilesDir: dir,
	})
	return s
}

// run sorts what is added, until end, or until ctx ends.
func (s *sorted) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.cancel)
	s.sorter.Sort(s.ctx)
	stop()
	select {
	case err := <-s.failed:
		return s.cause(ctx, err)
	default:
		return nil
	}
}

// cause is the error of a run in words.
func (s *sorted) cause(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("the records cannot be sorted on the disk: %w", err)
	}
	return nil
}

// add adds a record. It may be called by several goroutines.
func (s *sorted) add(ctx context.Context, of hash, line int, text []byte) error {
	for i := 0; i == 0 || len(text) > 0; i++ {
		n := min(len(text), pieceBytes)
		piece := append(make([]byte, 0, pieceHead+n), of[:]...)
		piece = binary.BigEndian.AppendUint64(piece, uint64(line))
		piece = binary.BigEndian.AppendUint32(piece, uint32(i))
		piece = append(piece, text[:n]...)
		text = text[n:]
		select {
		case s.in <- piece:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// end says that nothing more is added.
func (s *sorted) end() { close(s.in) }

// next gives the next record, whose text is valid until the next call; ok is false at
// the end.
func (s *sorted) next(ctx context.Context, text []byte) (of hash, line int, _ []byte, ok bool, err error) {
	if s.first == nil {
		s.first = <-s.out
	}
	head := s.first
	if head == nil { // the channel is closed: the end, or an error
		err := <-s.failed
		return of, 0, nil, false, s.cause(ctx, err)
	}
	text = append(text[:0], head[pieceHead:]...)
	for {
		s.first = <-s.out
		if s.first == nil || !bytes.Equal(s.first[:24], head[:24]) {
			break
		}
		text = append(text, s.first[pieceHead:]...)
	}
	return hash(head[:16]), int(binary.BigEndian.Uint64(head[16:24])), text, true, nil
}

// close ends the sorting, and takes its file away.
func (s *sorted) close() {
	s.cancel()
	for range s.out { // until the file is closed, too
	}
}
