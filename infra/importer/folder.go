package importer

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"golang.org/x/sync/errgroup"

	"customercare/infra/quotas"
	"customercare/shared/store"
)

// tableNames are the folders that Convert makes, as template.yaml calls the tables.
var tableNames = [...]string{"Users", "Customers", "Contacts", "Principals"}

// tableOf is the place in tableNames of each kind's table.
var tableOf = map[string]byte{
	user: 0, customer: 1, transaction: 1, contactKind: 2, store.Operator: 3, store.APIUser: 3, store.App: 3,
}

// usualFileBytes is how large a file is before it is packed. AWS recommends some millions
// of small items for each, and takes 50,000 files for one table.
const usualFileBytes = 1 << 30

// folder is a folder of files that are being written, under a name of its own until it is
// whole.
type folder struct {
	path, final string
	part        string // with which the files' names begin
	fileBytes   int64
	lock        *flock.Flock
	files       [len(tableNames)]atomic.Int64
}

// openFolder begins the folder final beside it. What an earlier run has left there, that
// was killed, goes.
func openFolder(final string, fileBytes int64) (f *folder, err error) {
	final = filepath.Clean(final)
	f = &folder{path: final + ".converting", final: final, fileBytes: cmp.Or(fileBytes, usualFileBytes)}
	if _, err := os.Lstat(final); err == nil {
		return nil, fmt.Errorf("%s is there already: name another folder, or take it away", final)
	}
	err = os.Mkdir(f.path, 0o700)
	if errors.Is(err, os.ErrExist) {
		err = f.leftByUs()
	}
	if err != nil {
		return nil, f.cannot(err)
	}
	f.lock = flock.New(filepath.Join(f.path, "lock"))
	locked, err := f.lock.TryLock()
	if err != nil {
		return nil, f.cannot(err)
	}
	if !locked {
		return nil, fmt.Errorf("another run is at work on %s", final)
	}
	left, err := os.ReadDir(f.path)
	for _, entry := range left {
		if entry.Name() != "lock" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(f.path, entry.Name())))
		}
	}
	if err != nil {
		return nil, f.cannot(errors.Join(err, f.lock.Close()))
	}
	return f, nil
}

// leftByUs is an error unless what stands under the folder's own name is what an earlier
// run may have left: a folder that nobody else may open, empty or with the lock. Whatever
// else it is, nothing in it is taken away, and no personal data is written there.
func (f *folder) leftByUs() error {
	is, err := os.Lstat(f.path)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return err
	}
	locks := func(entry os.DirEntry) bool { return entry.Name() == "lock" }
	if !is.IsDir() || is.Mode().Perm() != 0o700 || len(entries) > 0 && !slices.ContainsFunc(entries, locks) {
		return fmt.Errorf("%s is there, and no earlier run has left it: take it away", f.path)
	}
	return nil
}

// cannot is the error of a folder that cannot be written.
func (f *folder) cannot(err error) error {
	return fmt.Errorf("the folder %s cannot be written: %w", f.final, err)
}

// close gives the folder its name when it is whole, and takes it away otherwise.
func (f *folder) close(whole bool) error {
	if whole {
		// The lock goes last: without it another run would clear the folder.
		err := os.Rename(f.path, f.final)
		if err == nil {
			err = os.Remove(filepath.Join(f.final, filepath.Base(f.lock.Path())))
		}
		if err = errors.Join(err, f.lock.Close()); err != nil {
			return f.cannot(err)
		}
		return nil
	}
	err := errors.Join(os.RemoveAll(f.path), f.lock.Close())
	if err != nil {
		return fmt.Errorf("%s is left, and can be taken away: %w", f.path, err)
	}
	return nil
}

// block is some lines of one table.
type block struct {
	table int
	text  []byte
}

// write writes the last line of each record, and puts lines of one user together.
func (c *conversion) write(ctx context.Context, from *sorted, to *folder) error {
	blocks := make(chan block)
	group, groupCtx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error { return c.pack(to, blocks) })
	}
	group.Go(func() error {
		defer close(blocks)
		var waiting [len(tableNames)]block
		send := func(table int) error {
			b := block{table, waiting[table].text}
			waiting[table].text = nil
			select {
			case blocks <- b:
				return nil
			case <-groupCtx.Done():
				return context.Cause(groupCtx)
			}
		}
		err := c.each(groupCtx, from, func(table int, text []byte) error {
			w := &waiting[table]
			w.text = append(w.text, text...)
			if int64(len(w.text)) < min(batchBytes, to.fileBytes) {
				return nil
			}
			return send(table)
		})
		for table := range waiting {
			if err == nil && len(waiting[table].text) > 0 {
				err = send(table)
			}
		}
		return err
	})
	return group.Wait()
}

// each calls write with the items of every record, as lines.
func (c *conversion) each(ctx context.Context, from *sorted, write func(table int, text []byte) error) error {
	var of hash
	var last, spare []byte // the text of the record that is written next; nil: there is none
	var known *record      // in place of it, what the lines of a user have said so far
	flush := func() error {
		switch {
		case last == nil:
			return nil
		case known != nil:
			last = appendItems([]byte{tableOf[user]}, known.stored(time.Time{}))
		}
		return write(int(last[0]), last[1:])
	}
	for {
		next, line, text, ok, err := from.next(ctx, spare)
		if err != nil {
			return err
		}
		switch {
		case !ok:
			return flush()
		case last != nil && next == of:
			c.counts.Replaced++
		default:
			if err := flush(); err != nil {
				return err
			}
			known = nil
		}
		of, last, spare = next, text, last
		if text[0] == tableOf[user] {
			if known, err = c.together(known, line, text[1:]); err != nil {
				return err
			}
		}
		if c.Wrote != nil {
			c.Wrote()
		}
	}
}

// together is a user with what one line more says, as userActions writes over what
// stands. A line that would make the item larger than DynamoDB takes is refused.
func (c *conversion) together(known *record, line int, text []byte) (*record, error) {
	r, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("line %d has changed on the disk", line)
	}
	if known == nil {
		return r, nil
	}
	for name, value := range known.item {
		if _, said := r.item[name]; !said || name == "activeAt" {
			r.item[name] = value
		}
	}
	if quotas.Size(r.stored(time.Time{})[0]) > quotas.MaxItem {
		c.counts.Loaded[user]--
		c.counts.Replaced--
		c.refuse(line, errors.New("the record is larger than the 400 KB that DynamoDB takes,"+
			" together with the user's lines before"))
		return known, nil
	}
	return r, nil
}

// gzipFile is one file, and what it holds.
type gzipFile struct {
	file  *os.File
	gzip  *gzip.Writer
	items int
	bytes int64 // unpacked
}

// create begins the next file of a table.
func (f *folder) create(table int) (*gzipFile, error) {
	dir := filepath.Join(f.path, tableNames[table])
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, f.cannot(err)
	}
	name := fmt.Sprintf("%s%05d.json.gz", f.part, f.files[table].Add(1))
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, f.cannot(err)
	}
	packer, _ := gzip.NewWriterLevel(file, gzip.BestSpeed) // it fails for a level that there is not
	return &gzipFile{file: file, gzip: packer}, nil
}

func (g *gzipFile) write(lines []byte) error {
	g.items += bytes.Count(lines, []byte("\n")) // JSON has none within
	g.bytes += int64(len(lines))
	_, err := g.gzip.Write(lines)
	return err
}

// endFile ends a file, and counts what it holds.
func (c *conversion) endFile(table int, g *gzipFile, to *folder) error {
	if err := errors.Join(g.gzip.Close(), g.file.Sync(), g.file.Close()); err != nil {
		return to.cannot(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	amount := c.counts.Tables[tableNames[table]]
	c.counts.Tables[tableNames[table]] = Amount{amount.Items + g.items, amount.Files + 1, amount.Bytes + g.bytes}
	return nil
}

// pack writes blocks into files, of each table one at a time.
func (c *conversion) pack(to *folder, blocks <-chan block) (err error) {
	var open [len(tableNames)]*gzipFile
	defer func() {
		for table, file := range open {
			if file != nil {
				err = errors.Join(err, c.endFile(table, file, to))
			}
		}
	}()
	for b := range blocks {
		if file := open[b.table]; file != nil && file.bytes+int64(len(b.text)) > to.fileBytes {
			open[b.table] = nil
			if err := c.endFile(b.table, file, to); err != nil {
				return err
			}
		}
		if open[b.table] == nil {
			if open[b.table], err = to.create(b.table); err != nil {
				return err
			}
		}
		if err := open[b.table].write(b.text); err != nil {
			return to.cannot(err)
		}
	}
	return nil
}
