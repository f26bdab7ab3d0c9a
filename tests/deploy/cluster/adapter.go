package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	adaptercmd "sigs.k8s.io/custom-metrics-apiserver/pkg/cmd"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"
	"sigs.k8s.io/yaml"
)

// adapter answers custom.metrics.k8s.io for pods out of Prometheus, by the rules file of a prometheus-adapter
// (which cannot be had as a Go module): per rule the series, the labels that name namespace and pod, the metric's
// name and its query. The label filters of seriesQuery are not looked at.
type adapter struct {
	prometheus string
	pods       dynamic.NamespaceableResourceInterface
	byMetric   map[string]podRule
}

type podRule struct{ series, namespaceLabel, podLabel, query string }

func newAdapter() *cobra.Command {
	base := &adaptercmd.AdapterBase{Name: "metrics-adapter"}
	var rulesFile, prometheus string
	command := &cobra.Command{Use: "metrics-adapter", SilenceUsage: true}
	command.Flags().StringVar(&rulesFile, "config", "", "rules file")
	command.Flags().StringVar(&prometheus, "prometheus-url", "", "where Prometheus answers")
	command.Flags().AddFlagSet(base.Flags())
	command.RunE = func(*cobra.Command, []string) error {
		rules, err := loadRules(rulesFile)
		if err != nil {
			return err
		}
		client, err := base.DynamicClient()
		if err != nil {
			return err
		}
		pods := client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"})
		base.WithCustomMetrics(&adapter{prometheus, pods, rules})
		return base.Run(context.Background())
	}
	return command
}

func loadRules(file string) (map[string]podRule, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var config struct {
		Rules []struct {
			SeriesQuery, MetricsQuery string
			Resources                 struct {
				Overrides map[string]struct{ Resource string }
			}
			Name struct{ Matches, As string }
		}
	}
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		return nil, err
	}
	rules := map[string]podRule{}
	for _, r := range config.Rules {
		rule := podRule{series: strings.SplitN(r.SeriesQuery, "{", 2)[0], query: r.MetricsQuery}
		for label, override := range r.Resources.Overrides {
			switch override.Resource {
			case "namespace":
				rule.namespaceLabel = label
			case "pod":
				rule.podLabel = label
			}
		}
		if rule.namespaceLabel == "" || rule.podLabel == "" {
			return nil, fmt.Errorf("%s: overrides must name the labels of namespace and pod", r.SeriesQuery)
		}
		name := r.Name.As
		if r.Name.Matches != "" {
			pattern, err := regexp.Compile(r.Name.Matches)
			if err != nil {
				return nil, err
			}
			name = pattern.ReplaceAllString(rule.series, strings.ReplaceAll(r.Name.As, "$1", "${1}"))
		}
		rules[name] = rule
	}
	return rules, nil
}

func (a *adapter) ListAllMetrics() []provider.CustomMetricInfo {
	var all []provider.CustomMetricInfo
	for name := range a.byMetric {
		all = append(all, provider.CustomMetricInfo{
			GroupResource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Metric: name})
	}
	return all
}

func (a *adapter) GetMetricByName(ctx context.Context, pod types.NamespacedName, info provider.CustomMetricInfo,
	_ labels.Selector) (*custom_metrics.MetricValue, error) {
	values, err := a.ask(ctx, pod.Namespace, []string{pod.Name}, info)
	if err == nil && len(values) == 0 {
		err = provider.NewMetricNotFoundForError(info.GroupResource, info.Metric, pod.Name)
	}
	if err != nil {
		return nil, err
	}
	return &values[0], nil
}

func (a *adapter) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector,
	info provider.CustomMetricInfo, _ labels.Selector) (*custom_metrics.MetricValueList, error) {
	pods, err := a.pods.Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector.String()})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, pod := range pods.Items {
		names = append(names, pod.GetName())
	}
	values, err := a.ask(ctx, namespace, names, info)
	return &custom_metrics.MetricValueList{Items: values}, err
}

// ask reads one metric of the named pods.
func (a *adapter) ask(ctx context.Context, namespace string, pods []string,
	info provider.CustomMetricInfo) ([]custom_metrics.MetricValue, error) {
	rule, known := a.byMetric[info.Metric]
	if !known || info.GroupResource.Resource != "pods" {
		return nil, provider.NewMetricNotFoundError(info.GroupResource, info.Metric)
	}
	matchers := fmt.Sprintf("%s=%q,%s=~%q", rule.namespaceLabel, namespace, rule.podLabel, strings.Join(pods, "|"))
	query := strings.NewReplacer("<<.Series>>", rule.series, "<<.LabelMatchers>>", matchers,
		"<<.GroupBy>>", rule.podLabel).Replace(rule.query)
	samples, err := a.instant(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var values []custom_metrics.MetricValue
	for _, sample := range samples {
		text, _ := sample.Value[1].(string)
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		values = append(values, custom_metrics.MetricValue{
			DescribedObject: custom_metrics.ObjectReference{APIVersion: "v1", Kind: "Pod",
				Namespace: namespace, Name: sample.Metric[rule.podLabel]},
			Metric:    custom_metrics.MetricIdentifier{Name: info.Metric},
			Timestamp: metav1.Time{Time: time.Now()},
			Value:     quantity,
		})
	}
	return values, nil
}

type sample struct {
	Metric map[string]string
	Value  [2]any // time, value
}

func (a *adapter) instant(ctx context.Context, query string) ([]sample, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		a.prometheus+"/api/v1/query?query="+url.QueryEscape(query), nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answer struct {
		Error string
		Data  struct{ Result []sample }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("prometheus: %s", answer.Error)
	}
	return answer.Data.Result, nil
}
