package dynamotest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/local/template"
)

// pool holds the tables that the next tests of this process get, by endpoint.
var pool struct {
	sync.Mutex
	kept bool // whether tables are kept at all: Run drops them in the end
	free map[string][]*tables
}

// Run runs a package's tests and lets each keep its tables for the next, because making
// and dropping them takes longer than many a test. Call it from TestMain; it drops them
// all in the end.
func Run(m *testing.M) {
	pool.kept, pool.free = true, make(map[string][]*tables)
	m.Run()
	for _, free := range pool.free {
		for _, tables := range free {
			tables.drop()
		}
	}
}

// tables are the template's tables under names of their own.
type tables struct {
	endpoint, prefix string
	client           *dynamodb.Client
	made             []*dynamodb.CreateTableInput
}

// name is the name of one of the tables, by its logical id in the template.
func (s *tables) name(logical string) string { return s.prefix + logical }

// lend gives tables that are empty: kept ones where there are any.
func lend(ctx context.Context, endpoint string) (*tables, error) {
	for {
		pool.Lock()
		free := pool.free[endpoint]
		if len(free) == 0 {
			pool.Unlock()
			return makeTables(ctx, endpoint)
		}
		last := free[len(free)-1]
		pool.free[endpoint] = free[:len(free)-1]
		pool.Unlock()
		if err := last.each(ctx, refuse); err == nil {
			return last, nil
		}
		last.drop()
	}
}

// takeBack empties tables and keeps them for the next test. It drops them when the test
// was not good, which means that it failed or that its last writes may still come, and
// when there is so much in them that making new ones is quicker.
func takeBack(s *tables, good bool) {
	if !pool.kept || !good || s.each(context.Background(), s.erase) != nil {
		s.drop()
		return
	}
	pool.Lock()
	defer pool.Unlock()
	pool.free[s.endpoint] = append(pool.free[s.endpoint], s)
}

// makeTables makes what the template declares, but no streams. No test that works on
// tables of its own reads a stream, and an engine on which all packages' tests run slows
// down with every record that it keeps for one.
func makeTables(ctx context.Context, endpoint string) (*tables, error) {
	template, err := template.Load(filepath.Join(Root(), "template.yaml"), nil)
	if err != nil {
		return nil, err
	}
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	s := &tables{endpoint: endpoint, prefix: "test-" + hex.EncodeToString(random) + "-", client: Client(endpoint)}
	for _, table := range template.Tables {
		input := *table.Create
		input.TableName = aws.String(s.name(table.LogicalID))
		input.StreamSpecification = nil
		if _, err := s.client.CreateTable(ctx, &input); err != nil {
			s.drop()
			return nil, fmt.Errorf("create table %s: %w", table.LogicalID, err)
		}
		s.made = append(s.made, &input)
	}
	return s, nil
}

// drop drops the tables. What an engine keeps of them ends with the engine.
func (s *tables) drop() {
	for _, table := range s.made {
		_, _ = s.client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: table.TableName})
	}
}

// keys are those of a page of a table.
type keys []map[string]types.AttributeValue

// each calls do with the keys of every page of every table and of every index. Tables are
// read consistently, and an index shows what it shows.
func (s *tables) each(ctx context.Context, do func(ctx context.Context, table string, page keys) error) error {
	for _, table := range s.made {
		names, projection := map[string]string{}, ""
		for i, key := range table.KeySchema {
			name := fmt.Sprint("#k", i)
			names[name] = *key.AttributeName
			projection += ", " + name
		}
		scans := []*dynamodb.ScanInput{{ConsistentRead: aws.Bool(true)}}
		for _, index := range table.GlobalSecondaryIndexes {
			scans = append(scans, &dynamodb.ScanInput{IndexName: index.IndexName})
		}
		for _, scan := range scans {
			scan.TableName, scan.ProjectionExpression, scan.ExpressionAttributeNames = table.TableName, aws.String(projection[2:]), names
			for pages := dynamodb.NewScanPaginator(s.client, scan); pages.HasMorePages(); {
				page, err := pages.NextPage(ctx)
				if err == nil && len(page.Items) > 0 {
					err = do(ctx, *table.TableName, page.Items)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

var errNotEmpty = errors.New("dynamotest: the tables are not empty")

// refuse is for each: it finds that tables are not empty.
func refuse(context.Context, string, keys) error { return errNotEmpty }

// mostErased is how many items of a page are deleted. With more of them, new tables are
// quicker.
const mostErased = 500

// erase is for each: it deletes the items of a page.
func (s *tables) erase(ctx context.Context, table string, page keys) error {
	if len(page) > mostErased {
		return errNotEmpty
	}
	var requests []types.WriteRequest
	for _, key := range page {
		requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
	}
	return write(ctx, s.client, table, requests)
}
