// Package local runs the whole stack for a person at this machine: the functions, a
// DynamoDB, the demo data, the API, and what is said of them on the terminal and in the
// log file. The command infra/cmd/run calls it; the parts are in the folders below.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/infra/local/engine"
	"customercare/infra/local/stack"
	"customercare/infra/local/template"
	"customercare/infra/openapi"
	"customercare/infra/project"
)

// Run serves until ctx ends, and has shown its error when it returns one. environment
// holds the variables; the line for scripts goes to stdout. Whatever it started has ended
// when it returns.
func Run(ctx context.Context, environment map[string]string, stdout, stderr *os.File) error {
	settings, err := readSettings(environment)
	c := newConsole(settings, stdout, stderr)
	if err == nil {
		err = serve(ctx, settings, c, stdout)
	}
	if err != nil && ctx.Err() == nil {
		c.fail(err.Error())
		return err
	}
	c.say("\nStopped.\n")
	return nil
}

// serve is Run with settings that have been read.
func serve(ctx context.Context, s settings, c *console, stdout io.Writer) error {
	root, err := project.Root()
	if err != nil {
		return err
	}
	// What is wrong with the call itself comes before any slow work. The tables are
	// small: a whole sweep for expired temporary allows every minute.
	parameters := map[string]string{"AllowSweepMinutes": "1"}
	maps.Copy(parameters, s.Parameters)
	template, err := template.Load(filepath.Join(root, "template.yaml"), parameters)
	if err := errors.Join(err, s.checkPorts()); err != nil {
		return err
	}
	cache := filepath.Join(root, ".cache")
	log, err := openLog(cache)
	if err != nil {
		return err
	}
	defer log.Close()
	c.file = log

	c.say("Building the functions and starting DynamoDB. The first time takes a minute or two.\n")
	binDir := filepath.Join(cache, "bin")
	var endpoint string
	var server *engine.Server
	var ended <-chan struct{} // never, where the DynamoDB is not ours
	g, starting := errgroup.WithContext(ctx)
	g.Go(func() error { return stack.Build(starting, root, binDir) })
	g.Go(func() error {
		_ = openapi.Prepare(starting, cache) // without it there is no page, which is said then
		return nil
	})
	g.Go(func() (err error) {
		if s.Endpoint != nil { // of a DynamoDB that runs already
			endpoint = s.Endpoint.String()
			return answers(starting, s.Endpoint)
		}
		server, err = engine.Start(starting, engine.Options{Port: int(s.DynamoDBPort), DataDir: s.DataDir})
		if err == nil {
			endpoint = server.Endpoint
		}
		return err
	})
	err = g.Wait()
	if server != nil {
		defer server.Close()
		ended = server.Done()
	}
	if err != nil {
		return err
	}
	ports := []port{s.SecretsPort, s.KMSPort}
	if server != nil && !server.Everywhere { // a DynamoDB of one's own is for its owner to open
		ports = append(ports, s.DynamoDBPort)
	}
	containers, err := openRelay(s.SecretsHost, ports...)
	if err != nil {
		return err
	}
	defer containers.Close()
	authorities := s.Authorities
	if authorities != "" {
		if authorities, err = filepath.Abs(authorities); err != nil {
			return err
		}
	}
	st, err := stack.Prepare(ctx, stack.Options{
		Root: root, BinDir: binDir, Parameters: parameters, Port: int(s.Port),
		Endpoint: endpoint, TablePrefix: s.tablePrefix, Region: s.region, Credentials: s.credentials,
		Secrets: map[string]string{"DigestKeys": digestKeys(template.Parameters["DigestKeyId"])},
		// Ports that are known, so that functions outside this stack, such as those of
		// `sam local`, can ask too.
		SecretsPort: int(s.SecretsPort), KMSPort: int(s.KMSPort), KeysDir: s.keysDir(cache),
		Authorities: authorities, ScheduleEvery: s.ScheduleEvery, Log: c, Access: c.access,
	})
	if err != nil {
		return err
	}
	defer st.Close()
	loaded := demo{}
	if !s.aws { // the demo's passwords are published
		if loaded, err = loadDemo(ctx, root, st, c); err != nil {
			return err
		}
	}
	// Only now: a request that came earlier would meet tables without those who may ask.
	if err := st.Serve(ctx); err != nil {
		return err
	}
	page, err := serveDocs(ctx, root, cache, st.URL, int(s.DocsPort))
	if err != nil {
		c.insist("no page of the calls: " + err.Error() + "\n")
	} else {
		defer page.Close()
	}
	fmt.Fprintf(stdout, "ready %s dynamodb %s\n", st.URL, endpoint)
	c.welcome(st, loaded, page, root, log.Name(), s.Verbose)
	select {
	case <-ctx.Done():
		return nil
	case <-ended:
		return fmt.Errorf("%s ended", server.Name)
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

// answers finds out whether anything listens at endpoint, before an SDK says it in its
// own words.
func answers(ctx context.Context, endpoint *url.URL) error {
	port := cmp.Or(endpoint.Port(), endpoint.Scheme) // net knows the ports of http and https
	dialer := net.Dialer{Timeout: 5 * time.Second}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(endpoint.Hostname(), port))
	if err != nil {
		return fmt.Errorf("nothing answers at %s: start a DynamoDB there, or unset DYNAMODB_ENDPOINT", endpoint.Host)
	}
	return connection.Close()
}
