package dynamodblocal

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

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
	err := unpack(pack(t,
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
		if err := unpack(pack(t, tar.Header{Name: name, Typeflag: tar.TypeReg}), dir); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAnotherTarballIsRefused(t *testing.T) {
	if err := check(pack(t, tar.Header{Name: "package/emulator/" + jar, Typeflag: tar.TypeReg})); err == nil || !strings.Contains(err.Error(), "not the expected one") {
		t.Errorf("%v", err)
	}
}

func TestMissingCommandsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Fetch(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "npm is missing: install Node.js") {
		t.Errorf("%v", err)
	}
	if _, err := findJava(t.Context()); err == nil || !strings.Contains(err.Error(), "java is missing: install") {
		t.Errorf("%v", err)
	}
}

func TestTakenPort(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := Start(t.Context(), Options{Port: l.Addr().(*net.TCPAddr).Port}); !errors.Is(err, ErrPortTaken) {
		t.Errorf("%v", err)
	}
}

func TestStartAndClose(t *testing.T) {
	const cache = "../../.cache"
	if _, err := os.Stat(filepath.Join(cache, packageName+"-"+packageVersion)); err != nil {
		t.Skip("DynamoDB Local is not downloaded yet: make test does that")
	}
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("java is missing")
	}
	data := t.TempDir()
	s, err := Start(t.Context(), Options{CacheDir: cache, DataDir: data})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	s.Close()
	if _, err := http.Get(s.Endpoint); err == nil {
		t.Error("it still answers")
	}
	if err := s.cmd.Process.Signal(os.Signal(os.Kill)); err == nil {
		t.Error("its process is still there")
	}
}
