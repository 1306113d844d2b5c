package store_test

import (
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/environment"
	"customercare/shared/store"
)

// The connection of the first call stands before it, TLS and all, and the call uses it;
// one that is lost costs a try.
func TestReachConnectsAhead(t *testing.T) {
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			var connections, calls, handshakes atomic.Int32
			connected := make(chan struct{}, 10)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if r.TLS != nil && r.TLS.HandshakeComplete {
					handshakes.Add(1)
				}
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				_, _ = io.WriteString(w, "{}")
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					connections.Add(1)
					connected <- struct{}{}
				}
			}
			if secure {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			settings, roots := settingsOf(server.URL), x509.NewCertPool()
			if secure {
				roots.AddCert(server.Certificate())
			}
			get := func(db *dynamodb.Client) error {
				_, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{
					TableName: aws.String("t"), Key: map[string]types.AttributeValue{"k": text("k")},
				})
				return err
			}
			db, ready := store.ConnectForTest(settings, roots)
			ready()
			<-connected // the server's side of it
			if n := connections.Load(); n != 1 || calls.Load() != 0 {
				t.Fatalf("%d connections, %d calls before the first", n, calls.Load())
			}
			for range 2 {
				if err := get(db); err != nil {
					t.Fatal(err)
				}
			}
			if connections.Load() != 1 || calls.Load() != 2 || secure && handshakes.Load() != 2 {
				t.Errorf("%d connections, %d calls, %d after a handshake", connections.Load(), calls.Load(),
					handshakes.Load())
			}

			again, ready := store.ConnectForTest(settings, roots)
			ready()
			server.CloseClientConnections()
			if err := get(again); err != nil {
				t.Errorf("after the connection was lost: %v", err)
			}
		})
	}
}

// A DynamoDB that is not there ends no start.
func TestReachOfNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	_, ready := store.Connect(settingsOf("http://" + listener.Addr().String()))
	ready()
}

func settingsOf(endpoint string) store.Settings {
	return store.Settings{
		AWS: environment.AWS{Region: "us-east-1", Key: "test", Secret: "test"}, Endpoint: endpoint,
	}
}
