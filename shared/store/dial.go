package store

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
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
	// reachIn bounds what a start waits for its connection. Without one the first call makes its own.
	reachIn = 2 * time.Second
	// reachFor is how long that connection is good for: DynamoDB closes idle ones after a while.
	reachFor = 20 * time.Second
)

// Reach makes the connection that the client's first call will use, TLS included, while the rest of a start goes on; wait
// returns when it stands. Before lambda.Start a function has a whole core: the system's roots take 3 ms to read there, and
// 15 within an invocation, where AWS gives CPU by memory. The connection is all: a request to see whether somebody answers
// costs DynamoDB Local more than a hello's whole start. It is no error when DynamoDB cannot be reached.
func Reach(db *dynamodb.Client) (wait func()) { return reach(db, reachIn, reachFor) }

func reach(db *dynamodb.Client, within, lasting time.Duration) (wait func()) {
	options := db.Options()
	done := make(chan struct{})
	transport, err := transportOf(options)
	if err != nil {
		slog.Warn("no connection before the first call", "cause", err.Error())
		close(done)
		return func() {}
	}
	dial, dialTLS := transport.DialContext, secured(transport)
	ahead := early{lasting: lasting}
	transport.DialContext, transport.DialTLSContext = ahead.or(dial), ahead.or(dialTLS)
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		address, err := addressOf(ctx, options)
		if err == nil {
			if address.Scheme == "https" {
				dial = dialTLS
			}
			err = ahead.make(ctx, dial, net.JoinHostPort(address.Hostname(), cmp.Or(address.Port(), map[string]string{"https": "443"}[address.Scheme], "80")))
		}
		if err != nil {
			slog.Warn("no connection before the first call", "cause", err.Error())
		}
	}()
	return func() { <-done }
}

// transportOf is the one of Options.
func transportOf(options dynamodb.Options) (*http.Transport, error) {
	if client, ok := options.HTTPClient.(*http.Client); ok {
		if w, ok := client.Transport.(checkedAnswers); ok {
			if transport, ok := w.next.(*http.Transport); ok {
				return transport, nil
			}
		}
	}
	return nil, errors.New("store: a client of another make")
}

// addressOf is where the client's calls go.
func addressOf(ctx context.Context, options dynamodb.Options) (*url.URL, error) {
	if own := aws.ToString(options.BaseEndpoint); own != "" {
		return url.Parse(own)
	}
	endpoint, err := options.EndpointResolverV2.ResolveEndpoint(ctx, dynamodb.EndpointParameters{Region: &options.Region}.WithDefaults())
	return &endpoint.URI, err
}

type dialer = func(ctx context.Context, network, address string) (net.Conn, error)

// secured dials as the transport does by itself.
func secured(transport *http.Transport) dialer {
	dial, config := transport.DialContext, transport.TLSClientConfig
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		own := config.Clone()
		if own == nil {
			own = &tls.Config{}
		}
		if own.ServerName == "" {
			own.ServerName, _, _ = net.SplitHostPort(address)
		}
		ctx, cancel := context.WithTimeout(ctx, transport.TLSHandshakeTimeout)
		defer cancel()
		conn := tls.Client(raw, own)
		if err := conn.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		return conn, nil
	}
}

// early holds one connection for whoever dials first.
type early struct {
	lasting time.Duration // how long it is good for
	made    atomic.Pointer[connection]
}

type connection struct {
	net.Conn
	address string
	since   time.Time
}

func (e *early) make(ctx context.Context, dial dialer, address string) error {
	conn, err := dial(ctx, "tcp", address)
	if err == nil {
		e.made.Store(&connection{conn, address, time.Now()})
	}
	return err
}

// or is dial, but for the first call to the address.
func (e *early) or(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if c := e.made.Swap(nil); c != nil {
			if c.address == address && time.Since(c.since) < e.lasting {
				return c.Conn, nil
			}
			c.Close()
		}
		return dial(ctx, network, address)
	}
}
