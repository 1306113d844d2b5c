package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/attribute"
)

// ConvertOptions are how to convert.
type ConvertOptions struct {
	Out string // the folder that is made

	// Part and Parts choose the records of one machine among several, each of which reads
	// all lines: the second of four is Part 2, Parts 4. Parts 0 or 1 is every record. All
	// lines of a record are in the same part, wherever they stand.
	Part, Parts int

	Erased   func(ctx context.Context, kind, scope, identifier string) (bool, error) // as for Load
	Progress func(bytes int)                                                         // as for Load
	Report   func(line int, sentence string)                                         // as for Load
	// Writing, when set, is called before the files are written, with the number of lines
	// that are read, and Wrote for each of those.
	Writing func(lines int)
	Wrote   func()

	fileBytes int64 // at which a file ends, before it is packed; 0 is the usual
	pieces    int   // that are sorted in memory at a time; 0 is the usual
}

// Converted is what was written. Loaded counts the lines that were taken, with those
// that a later line stands for.
type Converted struct {
	Counts
	Lines    int               // that are not blank, of this part
	Replaced int               // lines that a later line of the same record stands for
	Tables   map[string]Amount // by the table's name in template.yaml; none for one without items
}

// Amount is what a table will hold, in files of so many bytes before they are packed.
type Amount struct {
	Items int   `json:"items"`
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// conversion is one run.
type conversion struct {
	ConvertOptions
	mu     sync.Mutex // of all that follows, of Erased, Report and Progress
	counts Converted
}

// Convert reads the same lines as Load, with the same refusals, and writes files that
// DynamoDB's import from S3 takes: one folder for each table, an item a line in
// DynamoDB's JSON, packed with gzip. The items are those that Load stores in empty
// tables: the last line of a record counts, and lines of one user are put together.
//
// The folder appears whole at the end, or not at all: with an error there is none. Lines
// that were refused are in Failed, and are no error. It needs room on the disk beside Out
// for all items unpacked, and as much again as the packed files take; memory for about
// 200 MB, and a part in five thousand of the items.
func Convert(ctx context.Context, o ConvertOptions, r io.Reader) (_ Converted, err error) {
	c := &conversion{ConvertOptions: o}
	c.counts.Loaded, c.counts.Tables = map[string]int{}, map[string]Amount{}
	out, err := openFolder(o.Out, c.fileBytes)
	if err != nil {
		return c.counts, err
	}
	out.part = c.partName()
	defer func() { err = errors.Join(err, out.close(err == nil)) }()
	sorted, err := c.sort(ctx, r, out.path)
	if err != nil {
		return c.counts, err
	}
	defer sorted.close()
	if c.Writing != nil {
		c.Writing(sorted.records)
	}
	if err := c.write(ctx, sorted, out); err != nil {
		return c.counts, err
	}
	return c.counts, nil
}

// partName is what the files of a part are called by, so that the parts' files can be put
// side by side.
func (c *conversion) partName() string {
	if c.Parts < 2 {
		return ""
	}
	return fmt.Sprintf("part-%d-of-%d-", c.Part, c.Parts)
}

// own says whether a hash, or a line that has no record, is of this part.
func (c *conversion) own(n uint64) bool {
	return c.Parts < 2 || n%uint64(c.Parts) == uint64(c.Part-1)
}

// batch is some lines that one goroutine makes records of.
type batch []line

// line is one line of the file, and what it takes there. Its error is a refusal.
type line struct {
	text   []byte
	number int
	taken  int
	err    error
}

// batchBytes is how much text a batch has, but for its last line.
const batchBytes = 256 << 10

// sort reads all lines, and gives the records in the order of their hashes.
func (c *conversion) sort(ctx context.Context, r io.Reader, dir string) (*sorted, error) {
	s := newSorted(ctx, dir, c.pieces)
	batches, workers := make(chan batch), runtime.GOMAXPROCS(0)
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		return c.read(groupCtx, newLines(interruptible(groupCtx, r)), batches)
	})
	var parsing sync.WaitGroup
	for range workers {
		parsing.Add(1)
		group.Go(func() error {
			defer parsing.Done()
			for lines := range batches {
				for _, line := range lines {
					if err := c.take(groupCtx, line, s); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	group.Go(func() error { return s.run(groupCtx) })
	parsing.Wait()
	s.end()
	if err := group.Wait(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// read gives all lines to those who make records of them.
func (c *conversion) read(ctx context.Context, lines *lines, batches chan<- batch) error {
	if form := Recognize(lines.r); form != nil && ctx.Err() == nil {
		return form
	}
	var waiting batch
	bytes := 0
	for {
		text, err := lines.next()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && err != io.EOF && err != errTooLong:
			return fmt.Errorf("the file cannot be read: %w", err)
		case err != io.EOF:
			waiting = append(waiting, line{append([]byte(nil), text...), lines.number, lines.taken, err})
			bytes += len(text)
		}
		if err != io.EOF && bytes < batchBytes && len(waiting) < batchBytes>>8 {
			continue
		}
		select {
		case batches <- waiting:
			waiting, bytes = nil, 0
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err == io.EOF {
			return nil
		}
	}
}

// take makes a record of a line and gives it to the sorting, or refuses the line. Its
// error ends the run.
func (c *conversion) take(ctx context.Context, l line, to *sorted) error {
	if l.err == nil && len(l.text) == 0 {
		c.finish(l, nil, nil)
		return nil
	}
	r, refused := &record{}, l.err
	if refused == nil {
		r, refused = parse(l.text)
	}
	if refused != nil {
		if c.own(uint64(l.number)) {
			c.finish(l, nil, refused)
		} else {
			c.finish(l, nil, nil)
		}
		return nil
	}
	hash := hashOf(r.key)
	if !c.own(hash.number()) {
		c.finish(l, nil, nil)
		return nil
	}
	erased, err := c.about(ctx, r)
	switch {
	case err != nil:
		return err
	case erased:
		c.finish(l, nil, errErased)
		return nil
	}
	text := []byte{tableOf[r.kind]}
	if r.kind == user { // put together with the user's other lines when these are known
		text = append(text, l.text...)
	} else {
		text = appendItems(text, r.stored(time.Now()))
	}
	if err := to.add(ctx, hash, l.number, text); err != nil {
		return err
	}
	c.finish(l, r, nil)
	return nil
}

// about asks whether anybody whom the record is about was erased.
func (c *conversion) about(ctx context.Context, r *record) (bool, error) {
	if c.Erased == nil {
		return false, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return asked(c.Erased).about(ctx, r)
}

// finish counts a line: taken as the record, refused, or neither.
func (c *conversion) finish(l line, r *record, refused error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case refused != nil:
		c.refuse(l.number, refused)
		c.counts.Lines++
	case r != nil:
		c.counts.Loaded[r.kind]++
		c.counts.Lines++
	}
	if c.Progress != nil {
		c.Progress(l.taken)
	}
}

// refuse counts a line that is refused, and reports it.
func (c *conversion) refuse(line int, refused error) {
	c.counts.Failed++
	if errors.Is(refused, errErased) {
		c.counts.Back++
	}
	if c.Report != nil {
		c.Report(line, refused.Error())
	}
}

// stored are the items of a table that has nothing of the record yet, at that time.
func (r *record) stored(at time.Time) []object {
	switch {
	case r.kind == user:
		item := maps.Clone(r.item)
		item["tempAllows"] = attribute.Map(nil)
		return []object{item}
	case r.item["principal"] != nil:
		item, _ := r.principal(nil, at)
		return []object{item}
	default:
		return r.items()
	}
}

// appendItems appends a line for each item.
func appendItems(to []byte, items []object) []byte {
	for _, item := range items {
		to = append(attribute.AppendJSON(append(to, `{"Item":`...), item), "}\n"...)
	}
	return to
}
