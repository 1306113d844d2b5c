package engine

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestMissingCommandsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := fetch(t.Context(), dynamoDBLocalPackage, t.TempDir()); err == nil ||
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
				if _, err := os.Stat(dynamoDBLocalPackage.In(cache)); err != nil {
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
