package engine

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
	"runtime"
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
	err := dynamoDBLocalPackage.unpack(pack(t,
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
		if err := dynamoDBLocalPackage.unpack(pack(t, tar.Header{Name: name, Typeflag: tar.TypeReg}), dir); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestAnotherTarballIsRefused(t *testing.T) {
	other := pack(t, tar.Header{Name: "package/emulator/" + dynamoDBLocalPackage.wanted, Typeflag: tar.TypeReg})
	err := dynamoDBLocalPackage.check(other)
	if err == nil || !strings.Contains(err.Error(), "not the expected one") {
		t.Errorf("%v", err)
	}
}

func TestMissingCommandsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := dynamoDBLocalPackage.fetch(t.Context(), t.TempDir()); err == nil ||
		!strings.Contains(err.Error(), "npm is missing: install Node.js") {
		t.Errorf("%v", err)
	}
	if _, err := findJava(t.Context()); err == nil || !strings.Contains(err.Error(), "java is missing: install") {
		t.Errorf("%v", err)
	}
}

func TestChoose(t *testing.T) {
	for name, want := range map[string]Kind{"": Dynoxide, "dynoxide": Dynoxide, "dynamodb-local": DynamoDBLocal} {
		if kind, err := choose(name); err != nil || kind != want {
			t.Errorf("%q: %q, %v", name, kind, err)
		}
	}
	const sentence = `ENGINE must be dynoxide or dynamodb-local, not "Dynoxide"`
	if _, err := choose("Dynoxide"); err == nil || err.Error() != sentence {
		t.Errorf("%v", err)
	}
}

func TestPlatformWithoutABinary(t *testing.T) {
	const sentence = "there is no dynoxide for plan9/arm: set ENGINE=dynamodb-local (needs Java), " +
		"or DYNAMODB_ENDPOINT to a running DynamoDB"
	if _, err := dynoxideFor("plan9/arm"); err == nil || err.Error() != sentence {
		t.Errorf("%v", err)
	}
}

func TestDataOfTheOtherEngineIsNamed(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		file string
		want string
	}{
		{Dynoxide, dynamoDBLocalFile, "holds tables of dynamodb-local: set ENGINE=dynamodb-local or another DATA_DIR"},
		{DynamoDBLocal, dynoxideFile, "holds tables of dynoxide: set ENGINE=dynoxide or another DATA_DIR"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), Options{Kind: c.kind, DataDir: dir})
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.kind, err)
		}
	}
}

func TestDataFolderInUseIsNamed(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		opts := Options{Kind: kind, DataDir: t.TempDir()}
		first, err := Start(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		const sentence = "is in use: end the stack that keeps its tables there or set another DATA_DIR"
		if _, err := Start(t.Context(), opts); err == nil || !strings.HasSuffix(err.Error(), sentence) {
			t.Errorf("%v", err)
		}
		first.Close()
		second, err := Start(t.Context(), opts)
		if err != nil {
			t.Fatal(err)
		}
		second.Close()
	})
}

// cache is the project's, so that nothing is downloaded twice.
const cache = "../../../.cache"

// each runs the test with every engine that this machine can run.
func each(t *testing.T, test func(t *testing.T, kind Kind)) {
	for _, kind := range []Kind{Dynoxide, DynamoDBLocal} {
		t.Run(string(kind), func(t *testing.T) {
			if kind == DynamoDBLocal {
				if _, err := os.Stat(filepath.Join(cache, dynamoDBLocalPackage.file(""))); err != nil {
					t.Skip("DynamoDB Local is not downloaded yet: ENGINE=dynamodb-local make test does that")
				}
				if _, err := exec.LookPath("java"); err != nil {
					t.Skip("java is missing")
				}
			} else if _, err := dynoxideFor(runtime.GOOS + "/" + runtime.GOARCH); err != nil {
				t.Skip(err)
			}
			test(t, kind)
		})
	}
}

func TestTakenPort(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, err = Start(t.Context(), Options{Kind: kind, Port: l.Addr().(*net.TCPAddr).Port})
		if !errors.Is(err, errPortTaken) {
			t.Errorf("%v", err)
		}
	})
}

func TestStartAndClose(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		s, err := Start(t.Context(), Options{Kind: kind, DataDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		if s.Name != kind.Name() {
			t.Errorf("named %q", s.Name)
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
		if err := s.cmd.Process.Signal(os.Kill); err == nil {
			t.Error("its process is still there")
		}
	})
}

// TestDynoxideListensOnTheLoopbackAlone asks it by the machine's other addresses.
func TestDynoxideListensOnTheLoopbackAlone(t *testing.T) {
	if _, err := dynoxideFor(runtime.GOOS + "/" + runtime.GOARCH); err != nil {
		t.Skip(err)
	}
	s, err := Start(t.Context(), Options{Kind: Dynoxide})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.Endpoint, "http://"), ":")
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		ip, _, err := net.ParseCIDR(address.String())
		if err != nil || ip.IsLoopback() || ip.IsLinkLocalUnicast() {
			continue
		}
		if c, err := net.Dial("tcp", net.JoinHostPort(ip.String(), port)); err == nil {
			c.Close()
			t.Errorf("it answers at %s", ip)
		}
	}
}
