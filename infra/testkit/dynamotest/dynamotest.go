// Package dynamotest gives tests the project's tables on a real engine, with a fault
// layer in between.
package dynamotest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"customercare/infra/local/engine"
	"customercare/infra/local/template"
	"customercare/infra/project"
	"customercare/shared/environment"
	"customercare/shared/store"
)

// Kit is the tables of one test, and the clients that reach them.
type Kit struct {
	DB     *dynamodb.Client // through Faults, with the functions' own options
	Plain  *dynamodb.Client // past Faults, for arranging and looking
	Faults *Faults

	Users      store.Users
	Customers  store.Customers
	Contacts   store.Contacts
	Principals store.Principals
	Erasures   store.Erasures
	Holds      store.Holds
	Rules      store.Rules
}

// Open gives the test the template's tables, empty and under names that no other test
// has. They are dropped when the test ends. Without DYNAMODB_ENDPOINT, which `make test`
// sets, the test is skipped.
func Open(t testing.TB) *Kit {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	kit := &Kit{Faults: &Faults{}}
	kit.Plain = Client(endpoint, func(o *dynamodb.Options) {
		client := *o.HTTPClient.(*http.Client)
		client.Timeout = time.Minute // no test is about it, and the machine may be slow
		o.HTTPClient = &client
	})
	kit.DB = dynamodb.New(kit.Plain.Options(), func(o *dynamodb.Options) {
		client := *o.HTTPClient.(*http.Client)
		kit.Faults.Next, client.Transport = client.Transport, kit.Faults
		o.HTTPClient = &client
		o.Retryer = prompt{o.Retryer}
	})
	prefix := makeTables(t, kit.Plain)
	kit.Users = store.Users{DB: kit.DB, Table: prefix + "Users"}
	kit.Customers = store.Customers{DB: kit.DB, Table: prefix + "Customers"}
	kit.Contacts = store.Contacts{DB: kit.DB, Table: prefix + "Contacts"}
	kit.Principals = store.Principals{DB: kit.DB, Table: prefix + "Principals"}
	kit.Erasures = store.Erasures{DB: kit.DB, Table: prefix + "Erasures"}
	kit.Holds = store.Holds{DB: kit.DB, Table: prefix + "Holds"}
	kit.Rules = store.Rules{DB: kit.DB, Table: prefix + "Rules"}
	return kit
}

// OpenIndex is the name of the ledger's index of open jobs, StandingIndex that of holds
// which are not released.
const (
	OpenIndex     = "open"
	StandingIndex = "standing"
)

// Client talks to an engine as the functions talk to DynamoDB, unless more changes it.
func Client(endpoint string, more ...func(*dynamodb.Options)) *dynamodb.Client {
	settings := environment.AWS{Region: engine.Region, Key: "test", Secret: "test", Endpoint: endpoint}
	return dynamodb.NewFromConfig(settings.Config(), append([]func(*dynamodb.Options){store.Options}, more...)...)
}

// Root is the repository's root folder.
func Root() string {
	root, err := project.Root()
	if err != nil {
		panic(err)
	}
	return root
}

// Put stores items, 25 a call, until DynamoDB has taken every one. It goes past Faults.
func (k *Kit) Put(t testing.TB, table string, items ...map[string]types.AttributeValue) {
	t.Helper()
	var requests []types.WriteRequest
	for _, item := range items {
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	for len(requests) > 0 {
		n := min(25, len(requests))
		out, err := k.Plain.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{table: requests[:n]},
		})
		if err != nil {
			t.Fatalf("put: %v", err)
		}
		requests = append(requests[n:len(requests):len(requests)], out.UnprocessedItems[table]...)
	}
}

// Dump is the function Dump for this kit: two dumps of the same items are equal byte for
// byte.
func (k *Kit) Dump(t testing.TB, tables ...string) []string {
	t.Helper()
	return Dump(t, k.Plain, tables...)
}

// Dump is every item of the tables as sorted lines: the table's name and canonical JSON.
// The members of sets are sorted: DynamoDB keeps no order of them.
func Dump(t testing.TB, client *dynamodb.Client, tables ...string) []string {
	t.Helper()
	var lines []string
	for _, table := range tables {
		for _, item := range Items(t, client, table) {
			for _, value := range item {
				order(value)
			}
			text, err := json.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, table+" "+string(text))
		}
	}
	slices.Sort(lines)
	return lines
}

// Items is every item of a table, in no order.
func Items(t testing.TB, client *dynamodb.Client, table string) (all []map[string]types.AttributeValue) {
	t.Helper()
	for pages := dynamodb.NewScanPaginator(client,
		&dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		all = append(all, page.Items...)
	}
	return all
}

// order sorts every set within value.
func order(value types.AttributeValue) {
	switch v := value.(type) {
	case *types.AttributeValueMemberSS:
		slices.Sort(v.Value)
	case *types.AttributeValueMemberNS:
		slices.Sort(v.Value)
	case *types.AttributeValueMemberBS:
		slices.SortFunc(v.Value, bytes.Compare)
	case *types.AttributeValueMemberL:
		for _, member := range v.Value {
			order(member)
		}
	case *types.AttributeValueMemberM:
		for _, member := range v.Value {
			order(member)
		}
	}
}

// All are the names of the five tables that hold data of people and principals, or of
// their erasures.
func (k *Kit) All() []string {
	return []string{k.Users.Table, k.Customers.Table, k.Contacts.Table, k.Principals.Table, k.Erasures.Table}
}

// makeTables makes the tables that the template declares, under names that begin with the
// prefix it returns, and drops them when the test ends. A call that a goroutine of the
// test makes later finds no table, and never one of another test.
//
// The tables have no streams. No test that works on tables of its own reads a stream, and
// an engine on which all packages' tests run slows down with every record that it keeps
// for one.
func makeTables(t testing.TB, client *dynamodb.Client) (prefix string) {
	t.Helper()
	template, err := template.Load(filepath.Join(Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	prefix = "test-" + rand.Text() + "-"
	for _, table := range template.Tables {
		input := *table.Create
		input.TableName = aws.String(prefix + table.LogicalID)
		input.StreamSpecification = nil
		if _, err := client.CreateTable(t.Context(), &input); err != nil {
			t.Fatalf("create table %s: %v", table.LogicalID, err)
		}
		t.Cleanup(func() { // what an engine keeps after a failure ends with the engine
			_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: input.TableName})
		})
	}
	return prefix
}

// prompt retries as the functions do, but without a pause after an injected fault or a
// race, because nothing changes in the pause: the call that a test makes race is over by
// then. After what DynamoDB itself refuses there is the usual pause.
type prompt struct{ aws.Retryer }

func (p prompt) RetryDelay(attempt int, err error) (time.Duration, error) {
	if err == nil || errors.Is(err, store.ErrRaced) || injected(err) {
		return 0, nil
	}
	return p.Retryer.RetryDelay(attempt, err)
}

// injected says whether an error is one that Faults made up.
func injected(err error) bool {
	if _, ok := errors.AsType[injectedError](err); ok {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && answer.Response != nil && answer.Response.Header.Get(injectedHeader) != ""
}
