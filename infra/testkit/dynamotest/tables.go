package dynamotest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/local/template"
)

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
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	prefix = "test-" + hex.EncodeToString(random) + "-"
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
