-- Whom to tell when a task is done. due: when to try (again), null when there is nothing to do; server: where links lead.
alter table novita_tasks add column webhook varchar(2000);
alter table novita_tasks add column server varchar(300);
alter table novita_tasks add column webhook_due bigint;
alter table novita_tasks add column webhook_tries integer default 0 not null;

create index novita_tasks_by_webhook on novita_tasks (webhook_due);
