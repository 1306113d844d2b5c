package bench_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"customercare/infra/bench"
	"customercare/infra/local/engine"
	"customercare/shared/store"
)

// peersGoal is how many times as fast as the fastest library ours is to be.
const peersGoal = 1.5

// peers are ours beside the libraries of infra/bench/peers on an idle machine.
func (p plan) peers(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	for _, size := range p.peerSizes {
		figures, err := b.besidePeers(ctx, "peers", size)
		if err != nil {
			return nil, err
		}
		// The engine's limit is first, and no library.
		next := slices.MaxFunc(figures[1:], func(x, y bench.Figure) int { return int(x.Floor - y.Floor) })
		for i := range figures {
			if i > 0 && figures[i].Case == next.Case {
				figures[i] = figures[i].AtLeast(peersGoal)
			}
		}
		all = append(all, figures...)
	}
	return all, nil
}

// busy is the same while each core has another process that counts.
func (p plan) busy(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	ctx, stop := context.WithCancel(ctx)
	var counting []*exec.Cmd
	defer func() {
		stop()
		for _, c := range counting {
			_ = c.Wait()
		}
	}()
	for range runtime.NumCPU() {
		c := exec.CommandContext(ctx, "sh", "-c", "while kill -0 $PPID 2>/dev/null; do :; done")
		if err := c.Start(); err != nil {
			return nil, err
		}
		counting = append(counting, c)
	}
	all, err = b.besidePeers(ctx, "busy", p.busySize)
	for i := range all {
		if i > 0 {
			all[i] = all[i].AtLeast(1)
		}
	}
	return all, err
}

// besidePeers erases customers of a size with ours, the floor and every library, in turn.
// It has an engine of its own. The floor's figure comes first.
func (b *Bench) besidePeers(ctx context.Context, table string, size customerSize) (all []bench.Figure, err error) {
	database, err := engine.Start(ctx, engine.Options{})
	if err != nil {
		return nil, err
	}
	defer database.Close()
	own := *b
	own.Endpoint = database.Endpoint
	s, err := own.whole(ctx, table)
	if err != nil {
		return nil, err
	}
	defer s.close()
	libraries, err := own.libraries(ctx)
	if err != nil {
		return nil, err
	}
	defer closeAll(libraries)
	took := map[string][]float64{}
	round := func(round int, size customerSize) error {
		var steps []func() error
		step := func(side string, erase func(code string) (time.Duration, error)) error {
			code := fmt.Sprintf("%s-%d-%d-%s", table, size.transactions, round, side)
			steps = append(steps, func() error {
				took1, err := erase(code)
				took[side] = append(took[side], took1.Seconds())
				return err
			})
			return s.fillCustomers(ctx, size.transactions, code)
		}
		faults := []error{
			step(oursSide, func(code string) (time.Duration, error) {
				_, gone, err := untilGone(ctx, time.Duration(1+size.transactions/1000)*time.Millisecond,
					func() error { return s.remove(ctx, code) },
					func() (bool, error) { return s.gone(ctx, code) })
				return gone, err
			}),
			step(theFloorSide, func(code string) (time.Duration, error) {
				return s.runFloor(ctx, 1+size.transactions, s.floorCommand(1, code))
			}),
		}
		for _, l := range libraries {
			faults = append(faults, step(l.name, func(code string) (time.Duration, error) {
				took, said, err := l.erase(ctx, s.Table("Customers"), code)
				if err == nil && said != "" {
					err = fmt.Errorf("%s says: %s", l.name, said)
				}
				return took, err
			}))
		}
		return errors.Join(append(faults, inTurn(round, steps...), s.nothingLeft(ctx, "Customers"))...)
	}
	// What is new is slow: processes, connections, compilers that learn.
	for warmUp := range 2 {
		if err := round(warmUp, customerSize{transactions: min(size.transactions, 1000)}); err != nil {
			return nil, err
		}
	}
	clear(took)
	b.Say("erasing a customer with %d transactions, %d times each of %d ways", size.transactions, size.pairs, len(libraries)+2)
	for n := range size.pairs {
		if err := round(2+n, size); err != nil {
			return nil, err
		}
	}
	for _, side := range append([]string{theFloorSide}, names(libraries)...) {
		name := side
		if side == theFloorSide {
			name = "the deletions alone"
		}
		f := pairs{took[oursSide], took[side]}.rates(size.transactions).
			figure(table, fmt.Sprintf("%d transactions: %s", size.transactions, name), "items/s")
		f.Also = []bench.Number{
			{Name: "ours", Value: median(took[oursSide]), Unit: "s"}, {Name: "it", Value: median(took[side]), Unit: "s"},
		}
		all = append(all, f)
	}
	return all, nil
}

// library is a process of infra/bench/peers that erases customers.
type library struct {
	name string                              // with its version
	make func(ctx context.Context) *exec.Cmd // the process, not yet started
	cmd  *exec.Cmd
	in   io.WriteCloser
	said chan string // a line for each erasure
}

// start starts the library's process.
func (l *library) start(ctx context.Context) error {
	l.cmd = l.make(ctx)
	in, inErr := l.cmd.StdinPipe()
	out, outErr := l.cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, l.cmd.Start()); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	l.in, l.said = in, make(chan string)
	go func(said chan<- string) {
		defer close(said)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said <- lines.Text()
		}
	}(l.said)
	return nil
}

// libraryMost is how long a library may take for one erasure. It is more than any caller
// of an API waits.
const libraryMost = time.Minute

func names(libraries []*library) (all []string) {
	for _, l := range libraries {
		all = append(all, l.name)
	}
	return all
}

func closeAll(libraries []*library) {
	for _, l := range libraries {
		_ = l.in.Close() // each ends with its input, unless it is in an erasure
		kill := time.AfterFunc(5*time.Second, func() { _ = l.cmd.Process.Kill() })
		_ = l.cmd.Wait()
		kill.Stop()
	}
}

// erase lets the library delete a customer, and gives how long it took and what it said:
// "", or what went wrong. One that is not done in libraryMost is started anew.
func (l *library) erase(ctx context.Context, table, code string) (took time.Duration, said string, err error) {
	line, err := json.Marshal(map[string]string{"table": table, "customer": store.CustomerKey(account, code)})
	if err != nil {
		return 0, "", err
	}
	began := time.Now()
	if _, err := l.in.Write(append(line, '\n')); err != nil {
		return 0, "", fmt.Errorf("%s: %w", l.name, err)
	}
	select {
	case answer, ok := <-l.said:
		if took = time.Since(began); !ok {
			return took, "", fmt.Errorf("%s has ended: %w", l.name, cmp.Or(context.Cause(ctx), io.ErrUnexpectedEOF))
		}
		return took, said, json.Unmarshal([]byte(answer), &said)
	case <-time.After(libraryMost):
		_ = l.cmd.Process.Kill()
		_ = l.cmd.Wait()
		return time.Since(began), "nothing in " + libraryMost.String(), l.start(ctx)
	}
}

// libraries starts every library that is there. Those for Python are there where python3
// has them; which are missing is said.
func (b *Bench) libraries(ctx context.Context) (all []*library, err error) {
	defer func() {
		if err != nil {
			closeAll(all)
		}
	}()
	at := func(name string) string { return filepath.Join(b.Root, "infra", "bench", "peers", name) }
	version := func(file, pattern string) string {
		text, _ := os.ReadFile(filepath.Join(at(file)))
		if found := regexp.MustCompile(pattern).FindSubmatch(text); found != nil {
			return string(found[1])
		}
		return "of no version"
	}
	start := func(name, dir string, command ...string) error {
		l := &library{name: name, make: func(ctx context.Context) *exec.Cmd {
			c := exec.CommandContext(ctx, command[0], command[1:]...)
			c.Dir, c.Stderr = dir, b.Log
			c.Env = append(os.Environ(), "AWS_ENDPOINT_URL_DYNAMODB="+cmp.Or(b.through, b.Endpoint), "AWS_REGION="+engine.Region,
				"AWS_DEFAULT_REGION="+engine.Region, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_SESSION_TOKEN=")
			return c
		}}
		err := l.start(ctx)
		if err == nil {
			all = append(all, l)
		}
		return err
	}
	binary := filepath.Join(b.Root, ".cache", "bench", "peers-go")
	if err := b.command(ctx, at("go"), "go", "build", "-o", binary, "."); err != nil {
		return all, err
	}
	if err := start("guregu/dynamo "+version("go/go.mod", `guregu/dynamo/v2 v(\S+)`), b.Root, binary); err != nil {
		return all, err
	}
	modules, err := b.node(ctx, at("node"))
	if err != nil {
		return all, err
	}
	for _, l := range [][2]string{
		{"sdk", "@aws-sdk/lib-dynamodb"}, {"toolbox", "dynamodb-toolbox"}, {"electrodb", "electrodb"}, {"dynamoose", "dynamoose"},
	} {
		name := l[1] + " " + version("node/package.json", `"`+l[1]+`": "(\S+)"`)
		if err := start(name, modules, "node", "peer.mjs", l[0]); err != nil {
			return all, err
		}
	}
	for _, name := range []string{"boto3", "pynamodb"} {
		out, err := exec.CommandContext(ctx, "python3", "-c", "import importlib.metadata as m; print(m.version('"+name+"'))").Output()
		if err != nil {
			b.Say("python3 has no %s: it is left out", name)
			continue
		}
		if err := start(name+" "+strings.TrimSpace(string(out)), b.Root, "python3", filepath.Join(at("python"), "peer.py"), name); err != nil {
			return all, err
		}
	}
	return all, nil
}

// node installs the libraries for Node.js beside a copy of the programs that use them,
// and gives that folder.
func (b *Bench) node(ctx context.Context, from string) (dir string, err error) {
	dir = filepath.Join(b.Root, ".cache", "bench", "peers-node")
	installed, _ := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	wanted, err := os.ReadFile(filepath.Join(from, "package-lock.json"))
	if err != nil {
		return "", err
	}
	if string(installed) != string(wanted) {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
	}
	files, err := filepath.Glob(filepath.Join(from, "*.*"))
	for _, file := range files {
		text, readErr := os.ReadFile(file)
		err = errors.Join(err, readErr, os.WriteFile(filepath.Join(dir, filepath.Base(file)), text, 0o644))
	}
	if _, statErr := os.Stat(filepath.Join(dir, "node_modules", "electrodb")); err != nil || statErr == nil {
		return dir, err
	}
	return dir, b.command(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
}

// command runs a command in a folder; what it prints is in its error.
func (b *Bench) command(ctx context.Context, dir string, command ...string) error {
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Dir = dir
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, text)
	}
	return nil
}
