package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"

	"customercare/infra/engine"
	"customercare/infra/stack"
)

// localDigestKeys stands in for the deployment's secret: the same after each start, for the data in DATA_DIR. It protects
// nothing: local data is made up.
const localDigestKeys = `{"1":"local-only-key-that-protects-nothing"}`

// run serves until ctx ends. Whatever it started has ended when it returns.
func run(ctx context.Context, s settings) error {
	root, err := findRoot()
	if err != nil {
		return err
	}
	// Before any slow work.
	if err := checkPort("127.0.0.1:"+strconv.Itoa(s.port), "PORT"); err != nil {
		return err
	}
	if err := checkPort("127.0.0.1:"+strconv.Itoa(s.secretsPort), "SECRETS_PORT"); err != nil {
		return err
	}
	if s.endpoint == "" {
		if err := checkPort("127.0.0.1:"+strconv.Itoa(s.dynamoDBPort), "DYNAMODB_PORT"); err != nil {
			return err
		}
	}
	binDir := filepath.Join(root, ".cache", "bin")
	var database *engine.Server
	defer func() {
		if database != nil {
			database.Close()
		}
	}()
	g, starting := errgroup.WithContext(ctx)
	g.Go(func() error { return stack.Build(starting, root, binDir) })
	g.Go(func() (err error) {
		if s.endpoint != "" {
			return nil
		}
		database, err = engine.Start(starting, engine.Options{
			CacheDir: filepath.Join(root, ".cache"), Port: s.dynamoDBPort, DataDir: s.dataDir,
		})
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	ended := make(<-chan struct{}) // never, for a DynamoDB that is not ours
	if database != nil {
		s.endpoint, ended = database.Endpoint, database.Done()
	}
	st, err := stack.Prepare(ctx, stack.Options{
		Root: root, Port: s.port, Endpoint: s.endpoint, BinDir: binDir, Log: os.Stderr, ScheduleEvery: s.scheduleEvery,
		Region: s.region, Credentials: s.credentials, TablePrefix: s.tablePrefix,
		// The tables are small: a whole sweep for expired temporary allows every minute.
		Parameters: map[string]string{"AllowSweepMinutes": "1"},
		// On a port of its own choice, so that functions outside this stack, such as those of `sam local`, can ask too.
		Secrets: map[string]string{"DigestKeys": localDigestKeys}, SecretsPort: s.secretsPort,
	})
	if err != nil {
		return err
	}
	defer st.Close()
	if !s.aws { // the demo's passwords are published
		if err := loadDemo(ctx, root, st); err != nil {
			return err
		}
	}
	// Only now: a request that came earlier would meet tables without those who may ask.
	if err := st.Serve(ctx); err != nil {
		return err
	}
	fmt.Printf("ready %s dynamodb %s\n", st.URL, s.endpoint)
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return fmt.Errorf("%s ended", database.Name)
	}
}

// findRoot is the nearest folder upwards with the template, so that the command works from any folder of the project.
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
