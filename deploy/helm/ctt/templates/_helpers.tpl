{{- define "ctt.labels" -}}
app.kubernetes.io/name: ctt
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What selectors match: never changes between versions of the chart. */}}
{{- define "ctt.selector" -}}
app.kubernetes.io/name: ctt
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ctt.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "ctt.locked" -}}
{allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
{{- end }}

{{/* What every pod of ours has. */}}
{{- define "ctt.pod" -}}
serviceAccountName: {{ .Release.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ctt.annotations" -}}
prometheus.io/scrape: "true"
prometheus.io/port: "9464"
prometheus.io/path: /metrics
checksum/settings: {{ .Values.settings | toJson | sha256sum | trunc 16 }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The container of a server: (dict "root" $ "resources" ... "env" ... "mounts" ...). */}}
{{- define "ctt.server" -}}
- name: ctt
  image: {{ include "ctt.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  args: [serve, --config, /app/config/ctt.toml]
  ports: [{name: http, containerPort: 8000}, {name: metrics, containerPort: 9464}]
  env:
    - {name: KUBERNETES_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}
    - {name: CTT_ENVIRONMENT, value: $(KUBERNETES_NAMESPACE)}
    - {name: PROMETHEUS_PORT, value: "9464"}
    - {name: CTT_THREADS, valueFrom: {resourceFieldRef: {containerName: ctt, resource: limits.cpu}}}
    - {name: CTT_DATA, value: /app/data/ctt}
    - {name: CTT_INSECURE, value: {{ .root.Values.insecure | quote }}}
    {{- range .env }}
    - {name: {{ .name }}, value: {{ .value | quote }}}
    {{- end }}
  startupProbe: {httpGet: {path: /health, port: http}, periodSeconds: 1, failureThreshold: 60}
  livenessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 3}
  readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2}
  lifecycle: {preStop: {sleep: {seconds: 5}}}
  resources: {{ toYaml .resources | nindent 4 }}
  securityContext: {{ include "ctt.locked" .root }}
  volumeMounts:
    - {name: data, mountPath: /app/data}
    - {name: config, mountPath: /app/config, readOnly: true}
    - {name: tmp, mountPath: /tmp}
    {{- range .mounts }}
    - {name: {{ .name }}, mountPath: {{ .path }}}
    {{- end }}
{{- end }}
