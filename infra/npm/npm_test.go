package npm

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// emulator is a package of which a part is wanted.
var emulator = Package{Name: "@some/emulator", Version: "1.0.0", Folder: "package/emulator/", Wanted: "lib/a.jar"}

// pack writes a tarball with one entry for each header.
func pack(t *testing.T, headers ...tar.Header) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.tgz")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zw := gzip.NewWriter(f)
	tw := tar.NewWriter(zw)
	for _, h := range headers {
		h.Mode = 0o644
		content := "content"
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if _, err := tw.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(tw.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUnpackTakesTheEmulatorOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	err := emulator.unpack(pack(t,
		tar.Header{Name: "package/index.js", Typeflag: tar.TypeReg},
		tar.Header{Name: "package/emulator/lib/a.jar", Typeflag: tar.TypeReg},
		tar.Header{Name: "package/emulator/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	), dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, rel)
		}
		return nil
	})
	if strings.Join(files, " ") != "lib/a.jar" {
		t.Errorf("unpacked %v", files)
	}
}

func TestUnpackStaysInside(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	for _, name := range []string{"package/emulator/../../../evil", "package/emulator//etc/evil"} {
		if err := emulator.unpack(pack(t, tar.Header{Name: name, Typeflag: tar.TypeReg}), dir); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAnotherTarballIsRefused(t *testing.T) {
	other := pack(t, tar.Header{Name: "package/emulator/" + emulator.Wanted, Typeflag: tar.TypeReg})
	err := emulator.check(other)
	if err == nil || !strings.Contains(err.Error(), "not the expected one") {
		t.Errorf("%v", err)
	}
}

func TestWithoutNpm(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := emulator.Fetch(t.Context(), t.TempDir()); !errors.Is(err, ErrNoNpm) {
		t.Errorf("%v", err)
	}
}
