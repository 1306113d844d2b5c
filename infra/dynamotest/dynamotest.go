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
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"go.yaml.in/yaml/v3"

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
	config := aws.Config{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		BaseEndpoint: &endpoint,
	}
	kit := &Kit{}
	kit.Plain = dynamodb.NewFromConfig(config, store.Options)
	kit.DB = dynamodb.NewFromConfig(config, store.Options, func(o *dynamodb.Options) {
		client := o.HTTPClient.(*http.Client)
		kit.Faults = &Faults{Next: client.Transport}
		client.Transport = kit.Faults
	})
	prefix := make([]byte, 6)
	_, _ = rand.Read(prefix)
	name := func(table string) string { return "test-" + hex.EncodeToString(prefix) + "-" + table }
	for _, table := range templateTables(t) {
		input := table
		logical := *input.TableName
		input.TableName = aws.String(name(logical))
		if _, err := kit.Plain.CreateTable(t.Context(), &input); err != nil {
			t.Fatalf("create table %s: %v", logical, err)
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
	var lines []string
	for _, table := range tables {
		for pages := dynamodb.NewScanPaginator(k.Plain, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)}); pages.HasMorePages(); {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatalf("scan: %v", err)
			}
			for _, item := range page.Items {
				text, err := json.Marshal(item)
				if err != nil {
					t.Fatal(err)
				}
				_, short, _ := strings.Cut(strings.TrimPrefix(table, "test-"), "-")
				lines = append(lines, short+" "+string(text))
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

// templateTables reads the tables from template.yaml, named by their logical ids.
func templateTables(t testing.TB) []dynamodb.CreateTableInput {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(), "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	type schema []struct {
		AttributeName string `yaml:"AttributeName"`
		AttributeType string `yaml:"AttributeType"`
		KeyType       string `yaml:"KeyType"`
	}
	var template struct {
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	keys := func(s schema) (all []types.KeySchemaElement) {
		for _, k := range s {
			all = append(all, types.KeySchemaElement{AttributeName: aws.String(k.AttributeName), KeyType: types.KeyType(k.KeyType)})
		}
		return all
	}
	var tables []dynamodb.CreateTableInput
	for id, resource := range template.Resources {
		if resource.Type != "AWS::DynamoDB::Table" {
			continue
		}
		var p struct {
			AttributeDefinitions   schema `yaml:"AttributeDefinitions"`
			KeySchema              schema `yaml:"KeySchema"`
			GlobalSecondaryIndexes []struct {
				IndexName string `yaml:"IndexName"`
				KeySchema schema `yaml:"KeySchema"`
			} `yaml:"GlobalSecondaryIndexes"`
		}
		if err := resource.Properties.Decode(&p); err != nil {
			t.Fatal(err)
		}
		table := dynamodb.CreateTableInput{TableName: aws.String(id), KeySchema: keys(p.KeySchema), BillingMode: types.BillingModePayPerRequest}
		for _, a := range p.AttributeDefinitions {
			table.AttributeDefinitions = append(table.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: aws.String(a.AttributeName), AttributeType: types.ScalarAttributeType(a.AttributeType)})
		}
		for _, index := range p.GlobalSecondaryIndexes {
			table.GlobalSecondaryIndexes = append(table.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
				IndexName: aws.String(index.IndexName), KeySchema: keys(index.KeySchema),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}})
		}
		tables = append(tables, table)
	}
	return tables
}
