// Command load puts a load on the whole local stack, with an engine of its own, and looks whether every answer was
// right and every erasure happened:
//
//   - LOAD_SECONDS (60) of all operations mixed at LOAD_RATE (40) calls a second, in an open loop: calls go out on time, however
//     late answers are;
//   - half as long at three times that rate, which the API's limits are set for: each call is done or refused, soon;
//   - at the rate again: within 10 s all is as before.
//
// Then the tables are held against every answer. It prints its figures, and exits with 1 when anything was wrong. It ends
// everything it started, also on Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/local/engine"
	"customercare/infra/local/stack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := load(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.New("interrupted")
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// around is what a run may take besides its phases: builds, the start, records, the end of the last erasures.
const around = 2*time.Minute + drainWait

func load(ctx context.Context) error {
	rate, err := setting("LOAD_RATE", 40, 1000)
	if err != nil {
		return err
	}
	seconds, err := setting("LOAD_SECONDS", 60, 600)
	if err != nil {
		return err
	}
	o := options{
		root: root(), rate: rate, latency: time.Second, quick: 2 * time.Second, slack: 50 * time.Millisecond, held: 0.98,
		warmUp: 5 * time.Second, steady: time.Duration(seconds) * time.Second, storm: time.Duration(seconds) * time.Second / 2, recovery: recoverWait + 5*time.Second,
		// What the processes of one machine do not hold is refused, as on AWS once an account's concurrency is used up.
		patience: 500 * time.Millisecond,
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.warmUp+o.steady+o.storm+o.recovery+around, errors.New("took too long"))
	defer cancel()
	var database *engine.Server
	starting, startingCtx := errgroup.WithContext(ctx)
	starting.Go(func() error { return stack.Build(startingCtx, o.root, filepath.Join(o.root, ".cache", "bin")) })
	starting.Go(func() (err error) {
		database, err = engine.Start(startingCtx, engine.Options{CacheDir: filepath.Join(o.root, ".cache")})
		return err
	})
	err = starting.Wait()
	if database != nil {
		defer database.Close()
		o.endpoint = database.Endpoint
	}
	if err != nil {
		return err
	}
	name := filepath.Join(o.root, ".cache", "load.log")
	log, err := os.Create(name)
	if err != nil {
		return err
	}
	defer log.Close()
	o.log = log
	r, err := run(ctx, o)
	if err != nil {
		return err
	}
	r.print(os.Stdout)
	faults := r.faults()
	for _, fault := range faults {
		fmt.Fprintln(os.Stderr, "load:", fault)
	}
	if len(faults) > 0 {
		return fmt.Errorf("%d faults; the functions' log is %s", len(faults), name)
	}
	return nil
}

// setting is a whole number of the environment, from 1 to most.
func setting(name string, otherwise, most int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("%s must be a whole number from 1 to %d, not %q", name, most, text)
	}
	return n, nil
}

// root is the nearest folder upwards with the template.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "template.yaml")); err == nil {
			return d
		}
	}
	return dir
}
