package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

const (
	// reachIn bounds what a start waits for its connection. Without one the first call
	// makes its own.
	reachIn = 2 * time.Second
	// reachFor is how long that connection is good for: DynamoDB closes idle ones after a
	// while.
	reachFor = 20 * time.Second
)

// early holds one connection, made ahead, for whoever dials first.
//
// Connect makes it while the rest of a start goes on, TLS included. Before lambda.Start a
// function has a whole core: to read the system's roots takes 3 ms there, and 15 within
// an invocation, where AWS gives CPU by memory. Only a connection is made and no request:
// one that asks whether somebody answers would cost DynamoDB Local more than a hello's
// whole start.
type early struct {
	lasting time.Duration // how long the connection is good for
	held    atomic.Pointer[connection]
}

type connection struct {
	net.Conn
	address string
	since   time.Time
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// dialers are how a transport dials by itself, by the scheme of the address.
type dialers struct{ http, https dialer }

// wrap lets the transport's first dial take the connection that is held, and gives how
// the transport dialled before. The transport must not have been used yet.
func (e *early) wrap(transport *http.Transport) dialers {
	dial := dialers{transport.DialContext, secured(transport)}
	transport.DialContext, transport.DialTLSContext = e.first(dial.http), e.first(dial.https)
	return dial
}

// reach begins to make the connection for calls with these options. wait returns when it
// stands or within is over. A failure is a line in the log.
func (e *early) reach(options dynamodb.Options, dial dialers, within time.Duration) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		if err := e.connect(ctx, options, dial); err != nil {
			slog.Warn("no connection before the first call", "cause", err.Error())
		}
	}()
	return func() { <-done }
}

// connect makes the connection and holds it.
func (e *early) connect(ctx context.Context, options dynamodb.Options, dial dialers) error {
	endpoint, err := addressOf(ctx, options)
	if err != nil {
		return err
	}
	how, port := dial.http, "80"
	if endpoint.Scheme == "https" {
		how, port = dial.https, "443"
	}
	address := net.JoinHostPort(endpoint.Hostname(), cmp.Or(endpoint.Port(), port))
	conn, err := how(ctx, "tcp", address)
	if err != nil {
		return err
	}
	e.held.Store(&connection{conn, address, time.Now()})
	return nil
}

// first is dial, but that the first call takes the connection that is held, if it goes to
// the same address and is not too old.
func (e *early) first(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if c := e.held.Swap(nil); c != nil {
			if c.address == address && time.Since(c.since) < e.lasting {
				return c.Conn, nil
			}
			c.Close()
		}
		return dial(ctx, network, address)
	}
}

// addressOf is where calls with these options go.
func addressOf(ctx context.Context, options dynamodb.Options) (*url.URL, error) {
	if base := aws.ToString(options.BaseEndpoint); base != "" {
		return url.Parse(base)
	}
	parameters := dynamodb.EndpointParameters{Region: &options.Region}.WithDefaults()
	endpoint, err := options.EndpointResolverV2.ResolveEndpoint(ctx, parameters)
	return &endpoint.URI, err
}

// secured dials TLS as the transport does by itself, with its settings of that moment.
func secured(transport *http.Transport) dialer {
	dial, config := transport.DialContext, transport.TLSClientConfig
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		plain, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		settings := config.Clone()
		if settings == nil {
			settings = &tls.Config{}
		}
		if settings.ServerName == "" {
			settings.ServerName, _, _ = net.SplitHostPort(address)
		}
		ctx, cancel := context.WithTimeout(ctx, transport.TLSHandshakeTimeout)
		defer cancel()
		conn := tls.Client(plain, settings)
		if err := conn.HandshakeContext(ctx); err != nil {
			plain.Close()
			return nil, err
		}
		return conn, nil
	}
}
