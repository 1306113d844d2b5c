package local

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// host is an address of this machine beside 127.0.0.1; empty: there is none.
type host string

// isHost says whether a text may be SECRETS_HOST. On 0.0.0.0 the tables would be open to
// every network that this machine is in.
func isHost(text string) bool {
	at, err := netip.ParseAddr(text)
	return err == nil && !at.IsUnspecified() && at != netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// check finds out early whether this machine has the address.
func (h host) check() error {
	if h == "" {
		return nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(string(h), "0"))
	if err != nil {
		return fmt.Errorf("SECRETS_HOST must be an address of this machine, which %s is not", h)
	}
	return l.Close()
}

// relay lets containers reach what listens on the loopback alone: what it takes at a port
// of host goes to the same port of 127.0.0.1.
type relay struct {
	servers   []*http.Server
	transport http.Transport
}

// openRelay listens at all of the ports, or at none and gives a sentence for each that is
// taken. Without a host it does nothing.
func openRelay(at host, ports ...port) (*relay, error) {
	r := &relay{}
	if at == "" {
		return r, nil
	}
	var faults []error
	for _, p := range ports {
		number := strconv.Itoa(int(p))
		listener, err := net.Listen("tcp", net.JoinHostPort(string(at), number))
		if err != nil {
			faults = append(faults, fmt.Errorf("port %d of SECRETS_HOST is taken: end what listens there", p))
			continue
		}
		quiet := log.New(io.Discard, "", 0) // of callers that went away
		server := &http.Server{
			ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet,
			Handler: &httputil.ReverseProxy{Transport: &r.transport, ErrorLog: quiet,
				Rewrite: func(passed *httputil.ProxyRequest) {
					passed.SetURL(&url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", number)})
					passed.Out.Host = passed.In.Host // which is part of the signature
				}},
		}
		r.servers = append(r.servers, server)
		go func() { _ = server.Serve(listener) }()
	}
	if faults != nil {
		r.Close()
		return nil, errors.Join(faults...)
	}
	return r, nil
}

// Close ends all connections.
func (r *relay) Close() {
	for _, server := range r.servers {
		_ = server.Close()
	}
	r.transport.CloseIdleConnections()
}
