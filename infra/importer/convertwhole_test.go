package importer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/gofrs/flock"

	"customercare/infra/fixture"
	"customercare/infra/importer"
)

// there says whether a folder, or what a run leaves beside it, is there.
func there(t *testing.T, out string) bool {
	t.Helper()
	found, err := filepath.Glob(out + "*")
	if err != nil {
		t.Fatal(err)
	}
	return len(found) > 0
}

// However a run fails there is no folder, and the next run is right. A run that was
// killed leaves its own folder, which the next one takes away, but not under a run that
// works.
func TestConvertIsWholeOrAbsent(t *testing.T) {
	lines := repeated()
	cut := errors.New("cut")
	for name, run := range map[string]func(t *testing.T, o importer.ConvertOptions) error{
		"the file breaks off": func(t *testing.T, o importer.ConvertOptions) error {
			_, err := importer.Convert(t.Context(), o, io.MultiReader(strings.NewReader(lines), broken{cut}))
			return err
		},
		"interrupted while reading": func(t *testing.T, o importer.ConvertOptions) error {
			ctx, cancel := context.WithCancelCause(t.Context())
			o.Progress = func(int) { cancel(cut) }
			_, err := importer.Convert(ctx, o, strings.NewReader(lines))
			return err
		},
		"interrupted while writing": func(t *testing.T, o importer.ConvertOptions) error {
			ctx, cancel := context.WithCancelCause(t.Context())
			o.Wrote = func() { cancel(cut) }
			_, err := importer.Convert(ctx, o, strings.NewReader(lines))
			return err
		},
		"no file can be made": func(t *testing.T, o importer.ConvertOptions) error {
			o.Writing = func(int) {
				if err := os.WriteFile(filepath.Join(o.Out+".converting", "Contacts"), nil, 0o600); err != nil {
					t.Error(err)
				}
			}
			_, err := importer.Convert(t.Context(), o, strings.NewReader(lines))
			if err != nil && strings.Contains(err.Error(), "cannot be written: ") {
				err = errors.Join(err, cut)
			}
			return err
		},
		"nothing can be sorted": func(t *testing.T, o importer.ConvertOptions) error {
			o.Progress = func(int) { _ = os.RemoveAll(o.Out + ".converting") }
			_, err := importer.Convert(t.Context(), o, strings.NewReader(lines))
			if err != nil { // whichever of the two finds it first
				err = errors.Join(err, cut)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := importer.ConvertOptions{Out: filepath.Join(t.TempDir(), "out")}
			o.Bound(0, 30)
			if err := run(t, o); !errors.Is(err, cut) || there(t, o.Out) {
				t.Errorf("%v, and something is left: %v", err, there(t, o.Out))
			}
		})
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := os.MkdirAll(filepath.Join(out+".converting", "Users"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(out+".converting", "Users", "00001.json.gz"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := flock.New(filepath.Join(out+".converting", "lock"))
	if locked, err := other.TryLock(); err != nil || !locked {
		t.Fatal(locked, err)
	}
	_, err := importer.Convert(t.Context(), importer.ConvertOptions{Out: out}, strings.NewReader(lines))
	if err == nil || !strings.Contains(err.Error(), "another run is at work on ") {
		t.Error(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	convert(t, importer.ConvertOptions{Out: out}, lines)
	found, err := os.ReadDir(filepath.Dir(out))
	if err != nil || len(found) != 1 || len(written(t, out)["Users"]) != 12 {
		t.Errorf("%v: %v", err, found)
	}
	if _, err := importer.Convert(t.Context(), importer.ConvertOptions{Out: out + "/"}, strings.NewReader(lines)); err == nil ||
		!strings.Contains(err.Error(), "is there already") {
		t.Error(err)
	}
	_, err = importer.Convert(t.Context(), importer.ConvertOptions{Out: filepath.Join(out, "no", "folder")}, strings.NewReader(lines))
	if err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Error(err)
	}
	_, err = importer.Convert(t.Context(), importer.ConvertOptions{Out: out + "2"}, strings.NewReader("[1]"))
	if _, misformed := errors.AsType[importer.Misformed](err); !misformed || there(t, out+"2") {
		t.Error(err)
	}
}

// What no run has left under the name that a run works under stays as it is: it may be
// somebody's, or somebody may wait there for personal data.
func TestConvertClearsOnlyItsOwn(t *testing.T) {
	for name, make := range map[string]func(dir, path string) error{
		"a folder without the lock": func(_, path string) error { return os.Mkdir(path, 0o700) },
		"a folder that others may open": func(_, path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o755), os.WriteFile(filepath.Join(path, "lock"), nil, 0o600))
		},
		"a link": func(dir, path string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, "other"), 0o700), os.Symlink("other", path),
				os.WriteFile(filepath.Join(path, "lock"), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "out.converting")
			mine := filepath.Join(path, "mine")
			if err := errors.Join(make(dir, path), os.WriteFile(mine, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			_, err := importer.Convert(t.Context(), importer.ConvertOptions{Out: filepath.Join(dir, "out")}, strings.NewReader(repeated()))
			if err == nil || !strings.Contains(err.Error(), "no earlier run has left it") {
				t.Error(err)
			}
			if _, err := os.Stat(mine); err != nil {
				t.Error(err)
			}
		})
	}
}

// Nobody but who converts may read what is converted: it is personal data.
func TestConvertedIsPrivate(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	convert(t, importer.ConvertOptions{Out: out}, repeated())
	err := filepath.WalkDir(out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		is, err := entry.Info()
		if err == nil && is.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, is.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// broken is a file that cannot be read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// What a conversion holds in memory does not grow with the file: it is looked at again
// and again, while lines are read and while items are written.
func TestConvertHoldsLittle(t *testing.T) {
	const lines, bytes = 12_000, 4 << 10
	held := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before, most, n := held(), int64(0), 0
	look := func() {
		if n++; n%1_500 == 0 {
			most = max(most, held()-before)
		}
	}
	note := strings.Repeat("x", bytes)
	in, out := io.Pipe()
	go func() {
		for i := range lines {
			_, _ = fmt.Fprintln(out, fixture.Transaction("a", "c", i).With("note", note))
		}
		out.Close()
	}()
	o := importer.ConvertOptions{
		Out: filepath.Join(t.TempDir(), "out"), Progress: func(int) { look() }, Wrote: look,
	}
	o.Bound(0, 1024)
	done, err := importer.Convert(t.Context(), o, in)
	if err != nil || done.Tables["Customers"].Bytes < lines*bytes {
		t.Fatalf("%v %+v", err, done)
	}
	if n != 2*lines || most > lines*bytes/2 {
		t.Errorf("%d looks, %d bytes are held of %d", n, most, lines*bytes)
	}
	t.Logf("%d bytes are held of %d", most, lines*bytes)
}
