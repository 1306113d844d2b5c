package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"customercare/infra/attribute"
)

type item = map[string]types.AttributeValue

// probe is one question to an engine, on a table of its own with the key id, at and the
// index open by openShard.
type probe struct {
	*testing.T
	endpoint string
	db       *dynamodb.Client
	table    string
}

var text, number = attribute.Text, attribute.Digits

func client(endpoint, region, key string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: &endpoint, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: "x"}, nil
		}),
	})
}

func (p *probe) createTable() {
	p.Helper()
	s := types.ScalarAttributeTypeS
	_, err := p.db.CreateTable(p.Context(), &dynamodb.CreateTableInput{
		TableName: &p.table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("id"), AttributeType: s}, {AttributeName: aws.String("at"), AttributeType: s},
			{AttributeName: aws.String("openShard"), AttributeType: s},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("at"), KeyType: types.KeyTypeRange},
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("open"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("openShard"), KeyType: types.KeyTypeHash}},
		}},
		StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(true),
			StreamViewType: types.StreamViewTypeNewImage},
	})
	if err != nil {
		p.Fatal(err)
	}
}

func (p *probe) dropTable() {
	if _, err := p.db.DeleteTable(p.Context(), &dynamodb.DeleteTableInput{TableName: &p.table}); err != nil {
		p.Fatal(err)
	}
}

// outcome is "taken" or the name of the error.
func outcome(err error) string {
	if refusal, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		var codes []string
		for _, reason := range refusal.CancellationReasons {
			if code := aws.ToString(reason.Code); code != "None" && !slices.Contains(codes, code) {
				codes = append(codes, code)
			}
		}
		return "cancelled: " + strings.Join(codes, ", ")
	}
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return "taken"
}

// at completes an item with the key "k", "s" where it has none.
func at(i item) item {
	whole := item{"id": text("k"), "at": text("s")}
	maps.Copy(whole, i)
	return whole
}

// sized is an item of so many bytes by AWS's rule: names and values in UTF-8.
func sized(bytes int) item {
	return item{"x": text(strings.Repeat("x", bytes-len("id"+"k"+"at"+"s"+"x")))}
}

func nested(levels int) types.AttributeValue {
	value := text("x")
	for range levels {
		value = &types.AttributeValueMemberL{Value: []types.AttributeValue{value}}
	}
	return value
}

func (p *probe) put(i item) string {
	_, err := p.db.PutItem(p.Context(), &dynamodb.PutItemInput{TableName: &p.table, Item: at(i)})
	return outcome(err)
}

func (p *probe) read() item {
	p.Helper()
	out, err := p.db.GetItem(p.Context(), &dynamodb.GetItemInput{
		TableName: &p.table, Key: at(nil), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		p.Fatal(err)
	}
	return out.Item
}

func units(c *types.ConsumedCapacity) string {
	return strconv.FormatFloat(aws.ToFloat64(c.CapacityUnits), 'g', -1, 64)
}

func (p *probe) update(expression string, values item) string {
	_, err := p.db.UpdateItem(p.Context(), &dynamodb.UpdateItemInput{
		TableName: &p.table, Key: at(nil), UpdateExpression: &expression, ExpressionAttributeValues: values,
	})
	return outcome(err)
}
