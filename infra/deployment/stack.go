package deployment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"customercare/shared/store"
)

// findStack takes tables, secret, address and parameters from a CloudFormation stack.
func (d *Deployment) findStack(ctx context.Context, chosen Chosen) error {
	name := chosen.Stack
	if chosen.Endpoint != "" && chosen.Endpoint != "aws" {
		if u, err := url.Parse(chosen.Endpoint); err != nil || !isAWS(u) {
			return Misused("--stack and --endpoint (STACK and DYNAMODB_ENDPOINT) are both set, but a stack's tables" +
				" are in AWS: leave one of them out")
		}
	}
	settings, err := awsSettings(ctx)
	if err != nil {
		return err
	}
	client := cloudformation.NewFromConfig(settings)
	found, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return lookUpFailed(ctx, name, settings.Region, err)
	}
	if len(found.Stacks) != 1 {
		return fmt.Errorf("there is no stack %s in %s", name, settings.Region)
	}
	stack := found.Stacks[0]
	d.Parameters = make(map[string]string, len(stack.Parameters))
	for _, p := range stack.Parameters {
		d.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range stack.Outputs {
		switch value := aws.ToString(o.OutputValue); aws.ToString(o.OutputKey) {
		case "ApiUrl":
			d.APIURL = cmp.Or(d.APIURL, value)
		case "DigestKeysSecret":
			d.Keys = Secret{ID: value, Client: secretsmanager.NewFromConfig(settings)}
		}
	}
	if err := d.findStackResources(ctx, client, stack, settings.Region); err != nil {
		return err
	}
	d.Audit.Client = cloudwatchlogs.NewFromConfig(settings)
	d.DB = dynamodb.NewFromConfig(settings, store.Options)
	d.Where = fmt.Sprintf("stack %s, AWS %s", name, settings.Region)
	return nil
}

// auditLogsID is what template.yaml calls the log group of the audit lines.
const auditLogsID = "AuditLogs"

// findStackResources finds the tables and the log group of the audit. It asks for all
// resources page by page, because a stack has more of them than DescribeStackResources
// returns.
func (d *Deployment) findStackResources(
	ctx context.Context, client *cloudformation.Client, stack types.Stack, region string,
) error {
	name := aws.ToString(stack.StackName)
	tables := map[string]string{}
	in := &cloudformation.ListStackResourcesInput{StackName: &name}
	pages := cloudformation.NewListStackResourcesPaginator(client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return lookUpFailed(ctx, name, region, err)
		}
		for _, r := range page.StackResourceSummaries {
			// What an update has left behind is listed too.
			gone := strings.HasPrefix(string(r.ResourceStatus), "DELETE_")
			id, physical := aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId)
			switch kind := aws.ToString(r.ResourceType); {
			case gone:
			case kind == "AWS::DynamoDB::Table":
				tables[id] = physical
			case kind == "AWS::Logs::LogGroup" && id == auditLogsID:
				d.Audit.Name = physical
			}
		}
	}
	for i, table := range d.Tables.all() {
		id := tableIDs[i]
		if tables[id] == "" && named(id) == "" {
			return fmt.Errorf("the stack %s (%s) has no table %s: it is not one of template.yaml, or not deployed",
				name, stack.StackStatus, id)
		}
		*table = tables[id]
	}
	return nil
}

// lookUpFailed says why CloudFormation did not answer. Its own sentence is told,
// because it names the caller and what is not allowed.
func lookUpFailed(ctx context.Context, name, region string, err error) error {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		if e.ErrorCode() == "ValidationError" && strings.Contains(e.ErrorMessage(), "does not exist") {
			return fmt.Errorf("there is no stack %s in %s", name, region)
		}
		return fmt.Errorf("the stack %s cannot be looked up in %s: %s: %s",
			name, region, e.ErrorCode(), e.ErrorMessage())
	}
	return Explain(ctx, fmt.Sprintf("the stack %s in %s", name, region), err)
}
