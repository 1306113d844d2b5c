package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"customercare/infra/openapi"
)

// docs serves the page that shows the calls, at /docs/ of an address of its own. Whatever
// else is asked there goes to the API: the API has no CORS header, so a page can try its
// calls only where they seem to be at its own address.
type docs struct {
	URL    string
	server *http.Server
}

// serveDocs begins to serve. api is the API's address. The error is a sentence; nothing
// else of the stack needs the page.
func serveDocs(ctx context.Context, root, cache, api string, port int) (*docs, error) {
	document, err := os.ReadFile(filepath.Join(root, "docs", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	to, err := url.Parse(api)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "docs-local")
	if err := openapi.Site(ctx, document, "/", cache, dir); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("port %d is taken: end what listens there or set DOCS_PORT to another port", port)
	}
	calls := http.NewServeMux()
	calls.Handle("GET /docs/", http.StripPrefix("/docs/", http.FileServer(http.Dir(dir))))
	calls.Handle("/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = to.Host
	}})
	d := &docs{"http://" + listener.Addr().String() + "/docs/", &http.Server{Handler: calls, ReadHeaderTimeout: time.Minute}}
	go func() { _ = d.server.Serve(listener) }() // until Close
	return d, nil
}

// Close ends it.
func (d *docs) Close() error {
	if err := d.server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
