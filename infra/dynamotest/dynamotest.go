// Package dynamotest gives tests the project's tables on a real DynamoDB Local, with a fault layer in between.
package dynamotest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/engine"
	"customercare/infra/stack"
	"customercare/shared/store"
)

// Kit is the tables of one test.
type Kit struct {
	DB     *dynamodb.Client // through Faults, with the functions' own options
	Plain  *dynamodb.Client // past Faults, for arranging and looking
	Faults *Faults

	Users      store.Users
	Customers  store.Customers
	Contacts   store.Contacts
	Principals store.Principals
	Erasures   store.Erasures
}

// Open makes the template's tables under names of the test's own, and drops them after it. Without DYNAMODB_ENDPOINT
// the test is skipped: `make test` sets it.
func Open(t testing.TB) *Kit {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs DynamoDB Local: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	kit := &Kit{Faults: &Faults{}, Plain: Client(endpoint)}
	kit.DB = dynamodb.New(kit.Plain.Options(), func(o *dynamodb.Options) {
		client := *o.HTTPClient.(*http.Client)
		kit.Faults.Next = client.Transport
		client.Transport = kit.Faults
		o.HTTPClient = &client
	})
	prefix := make([]byte, 6)
	_, _ = rand.Read(prefix)
	name := func(table string) string { return "test-" + hex.EncodeToString(prefix) + "-" + table }
	template, err := stack.Load(filepath.Join(Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range template.Tables {
		input := *table.Create
		input.TableName = aws.String(name(table.LogicalID))
		if _, err := kit.Plain.CreateTable(t.Context(), &input); err != nil {
			t.Fatalf("create table %s: %v", table.LogicalID, err)
		}
		t.Cleanup(func() {
			_, _ = kit.Plain.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: input.TableName})
		})
	}
	kit.Users = store.Users{DB: kit.DB, Table: name("Users")}
	kit.Customers = store.Customers{DB: kit.DB, Table: name("Customers")}
	kit.Contacts = store.Contacts{DB: kit.DB, Table: name("Contacts")}
	kit.Principals = store.Principals{DB: kit.DB, Table: name("Principals")}
	kit.Erasures = store.Erasures{DB: kit.DB, Table: name("Erasures"), Index: "open"}
	return kit
}

// Client talks to a DynamoDB Local as the functions talk to DynamoDB.
func Client(endpoint string) *dynamodb.Client {
	return dynamodb.NewFromConfig(aws.Config{
		Region: engine.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		BaseEndpoint: &endpoint,
	}, store.Options)
}

// Root is the repository's root folder.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Put stores items past the fault layer.
func (k *Kit) Put(t testing.TB, table string, items ...map[string]types.AttributeValue) {
	t.Helper()
	for len(items) > 0 {
		n := min(25, len(items))
		var requests []types.WriteRequest
		for _, item := range items[:n] {
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		items = items[n:]
		_, err := k.Plain.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{table: requests},
		})
		if err != nil {
			t.Fatalf("put: %v", err)
		}
	}
}

// Dump is every item of the tables as sorted lines of canonical JSON, so that before and after compare byte for byte.
func (k *Kit) Dump(t testing.TB, tables ...string) []string {
	t.Helper()
	return Dump(t, k.Plain, tables...)
}

// Dump is every item of the tables as sorted lines: the table's name and canonical JSON.
func Dump(t testing.TB, client *dynamodb.Client, tables ...string) []string {
	t.Helper()
	var lines []string
	for _, table := range tables {
		for pages := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}); pages.HasMorePages(); {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				t.Fatalf("scan: %v", err)
			}
			for _, item := range page.Items {
				text, err := json.Marshal(item)
				if err != nil {
					t.Fatal(err)
				}
				lines = append(lines, table+" "+string(text))
			}
		}
	}
	sort.Strings(lines)
	return lines
}

// All are the names of the five tables.
func (k *Kit) All() []string {
	return []string{k.Users.Table, k.Customers.Table, k.Contacts.Table, k.Principals.Table, k.Erasures.Table}
}

// Clock is a clock that a test moves.
type Clock struct{ time.Time }

func (c *Clock) Now() time.Time          { return c.Time }
func (c *Clock) Advance(d time.Duration) { c.Time = c.Time.Add(d) }
