package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"customercare/infra/local/stack"
)

// run serves until ctx ends. Whatever it started has ended when it returns.
func run(ctx context.Context, s settings, c *console) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	// What is wrong with the call itself comes before any slow work. The tables are
	// small: a whole sweep for expired temporary allows every minute.
	parameters := map[string]string{"AllowSweepMinutes": "1"}
	maps.Copy(parameters, s.Parameters)
	template, err := stack.Load(filepath.Join(root, "template.yaml"), parameters)
	if err := errors.Join(err, s.checkPorts()); err != nil {
		return err
	}
	cache := filepath.Join(root, ".cache")
	log, err := openLog(cache)
	if err != nil {
		return err
	}
	defer log.Close()
	c.keep(log)

	c.say("Building the functions and starting DynamoDB. The first time takes a minute or two.\n")
	binDir := filepath.Join(cache, "bin")
	var db database
	defer func() { db.close() }()
	g, starting := errgroup.WithContext(ctx)
	g.Go(func() error { return stack.Build(starting, root, binDir) })
	g.Go(func() (err error) {
		db, err = openDatabase(starting, s, cache)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	st, err := stack.Prepare(ctx, stack.Options{
		Root: root, Port: int(s.Port), Endpoint: db.endpoint, BinDir: binDir, Log: c, Access: c.access,
		ScheduleEvery: s.ScheduleEvery.Duration, Region: s.region, Credentials: s.credentials, TablePrefix: s.tablePrefix, Parameters: parameters,
		// On a port of its own choice, so that functions outside this stack, such as
		// those of `sam local`, can ask too.
		Secrets: map[string]string{"DigestKeys": digestKeys(template.Parameters["DigestKeyId"])}, SecretsPort: int(s.SecretsPort),
	})
	if err != nil {
		return err
	}
	defer st.Close()
	loaded := demo{}
	if !s.aws { // the demo's passwords are published
		if loaded, err = loadDemo(ctx, root, st); err != nil {
			return err
		}
	}
	// Only now: a request that came earlier would meet tables without those who may ask.
	if err := st.Serve(ctx); err != nil {
		return err
	}
	fmt.Printf("ready %s dynamodb %s\n", st.URL, db.endpoint)
	c.welcome(st, loaded, root, log.Name(), s.Verbose)
	select {
	case <-ctx.Done():
		return nil
	case <-db.ended:
		return fmt.Errorf("%s ended", db.server.Name)
	}
}

// digestKeys stands in for the deployment's secret: the same after each start, for the
// data in DATA_DIR. It protects nothing: local data is made up. The key of the default id
// stays in it when another one makes new digests.
func digestKeys(id string) string {
	const text = "local-only-key-that-protects-nothing"
	if id = cmp.Or(id, "1"); id == "1" {
		return `{"1":"` + text + `"}`
	}
	return `{"1":"` + text + `","` + id + `":"` + text + "-" + id + `"}`
}

// findRoot is the nearest folder upwards with the template, so that the command works
// from any folder of the project.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "template.yaml")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", errors.New("template.yaml was not found: run this inside the project")
		}
	}
}
